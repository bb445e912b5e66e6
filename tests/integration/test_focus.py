"""The four data sets of FOCUS 1.4: every rule of its columns, and to the cent what was invoiced."""
# SPDX-License-Identifier: Apache-2.0

import csv
import decimal
import io
import json
import pathlib
import re
import uuid

import jsonschema
import pytest

RULES = pathlib.Path(__file__).parent / "focus"
SETS = {"CostAndUsage": "cost-and-usage?month=2026-01-01", "ContractCommitment": "contract-commitments",
        "BillingPeriod": "billing-periods", "InvoiceDetail": "invoice-details?month=2026-01-01"}
FORMATS = {
    "Decimal (any)": r"-?\d+(\.\d+)?", "Decimal (non-negative)": r"\d+(\.\d+)?", "Decimal": r"-?\d+(\.\d+)?",
    "Date/Time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "Currency": r"[A-Z]{3}", "Unit": r"[A-Z][A-Za-z-]*",
}
# What Sluice does not have: split cost allocation, commitment programs, several account or sub-account types, regions, prices in
# other currencies, purchase orders of customers, other payment currencies.
UNSUPPORTED = {
    "CostAndUsage": {"AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags",
                     "BillingAccountType", "CommitmentProgramEligibilityDetails", "PricingCurrency",
                     "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
                     "RegionId", "RegionName", "SubAccountType"},
    "ContractCommitment": {"PricingCurrency", "PricingCurrencyContractCommitmentCost"},
    "BillingPeriod": set(),
    "InvoiceDetail": {"PaymentCurrency", "PaymentCurrencyBilledCost", "PaymentCurrencyInvoiceDetailId", "PurchaseOrderNumber"},
}


@pytest.fixture(scope="module")
def billed(module_stack):
    """A month of two reservations, one of them preemptible, a commitment that is not used up, and 19 % tax; invoiced."""
    stack = module_stack
    stack.fleet(2, price="2.490000")
    stack.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tier": "preemptible",
                                                "gpu_hour": {"amount": "1.100000", "currency": "USD"}})
    acme = stack.tenant("acme", tax_rate_bp=1900)
    (tenant,) = stack.sql("SELECT id FROM tenant WHERE name = 'acme'")
    stack.sql("INSERT INTO commitment (id, tenant_id, category, sku_kind, sku, gpu_hours, unit_price_u, currency, total_minor, starts_at, ends_at,"
              " months, payment_model, upfront_bp) VALUES (%s, %s, 'usage', 'instance_type', 'h100.8x', 500, 1850000, 'USD', 277500,"
              " '2026-01-01Z', '2026-04-01Z', 3, 'no_upfront', 0)", (str(uuid.uuid4()), tenant["id"]))
    for tier, starts, ends in (("reserved", "2026-01-10T00:00:00Z", "2026-01-12T12:34:57Z"), ("preemptible", "2026-01-20T00:00:00Z", "2026-01-20T02:17:43Z")):
        acme.create("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "tier": tier, "name": f"train-{tier}",
                                         "labels": {"team": "a, \"b\""}, "starts_at": starts, "ends_at": ends})
    stack.operator.create("/v1/system/meters", {"name": "egress", "unit": "GB"})
    stack.operator.create("/v1/system/prices", {"sku_kind": "meter", "sku": "egress", "gpu_hour": {"amount": "0.090000", "currency": "USD"}})
    stack.advance("2026-01-11T00:00:00Z")
    stack.operator.post("/v1/system/meter-readings", {"items": [
        {"event": "e1", "reservation": acme.items("/v1/reservations")[0]["id"], "meter": "egress", "to": "2026-01-10T12:00:00Z",
         "quantity": "12.345000"}]}).expect(204)
    stack.advance("2026-02-02T00:00:00Z")
    stack.acme = acme
    return stack


def export(client, path):
    """Every row of a data set as CSV gives it, page by page."""
    rows, page = [], None
    while True:
        mark = "&" if "?" in path else "?"
        answer = client.get(f"{path}{mark}limit=7" + (f"&page={page}" if page else ""), headers={"Accept": "text/csv"}).expect(200)
        rows += list(csv.DictReader(io.StringIO(answer.content.decode())))
        following = re.search(r'<[^>]*[?&]page=([^>&]+)[^>]*>; rel="next"', answer.headers.get("Link") or "")
        if following is None:
            return rows
        page = following[1]


def rules(dataset):
    with open(RULES / "columns.csv", encoding="utf-8") as table:
        return {row["column_id"]: row for row in csv.DictReader(table) if row["dataset"] == dataset}


def broken(rule, value):
    """What a value breaks of its column's rule, or None."""
    if value == "":
        return None if rule["allows_nulls"] == "true" else "is null"
    if rule["allowed_values"] and value not in rule["allowed_values"].split("|"):
        return "is not an allowed value"
    pattern = FORMATS.get(rule["value_format"])
    if pattern and not re.fullmatch(pattern, value):
        return f"is no {rule['value_format']}"
    if rule["numeric_range"]:
        least, most = json.loads(rule["numeric_range"])
        if not least <= float(value) <= most:
            return f"is outside {rule['numeric_range']}"
    if rule["data_type"] == "JSON" and not isinstance(json.loads(value), dict):
        return "is no JSON object"
    return None


@pytest.mark.parametrize("dataset", SETS)
def test_every_column_keeps_its_rule(billed, dataset):
    rows = export(billed.acme, f"/v1/focus/{SETS[dataset]}")
    known = rules(dataset)
    assert rows, "there is something to look at"
    assert set(rows[0]) == set(known) - UNSUPPORTED[dataset]
    assert all(known[column]["feature_level"] in ("Conditional", "Recommended") for column in UNSUPPORTED[dataset]), "mandatory columns are there"
    wrong = [(column, value, fault) for row in rows for column, value in row.items() if (fault := broken(known[column], value))]
    assert not wrong, wrong


def amount(row, column="BilledCost"):
    return decimal.Decimal(row[column])


def test_charges_sum_to_the_invoice_and_its_details_do(billed):
    (invoice,) = billed.acme.items("/v1/invoices")
    charges = export(billed.acme, "/v1/focus/cost-and-usage?month=2026-01-01")
    details = export(billed.acme, "/v1/focus/invoice-details?month=2026-01-01")
    assert {row["InvoiceId"] for row in charges} == {row["InvoiceId"] for row in details} == {invoice["number"]}
    assert sum(map(amount, charges)) == sum(map(amount, details)) == decimal.Decimal(invoice["total"]["amount"])
    by_detail = {detail["InvoiceDetailId"]: amount(detail) for detail in details}
    for identifier, billed_cost in by_detail.items():
        assert sum(amount(row) for row in charges if row["InvoiceDetailId"] == identifier) == billed_cost, identifier
    assert {row["ChargeCategory"] for row in charges} >= {"Usage", "Purchase", "Tax"}
    assert billed.sql("SELECT * FROM sluice.check_focus") == []


def test_a_commitments_fee_is_spread_over_what_it_covers_and_what_nobody_used(billed):
    charges = [row for row in export(billed.acme, "/v1/focus/cost-and-usage?month=2026-01-01") if row["CommitmentDiscountId"]]
    purchase = [row for row in charges if row["ChargeCategory"] == "Purchase"]
    usage = [row for row in charges if row["ChargeCategory"] == "Usage"]
    assert {row["CommitmentDiscountStatus"] for row in usage} == {"Used", "Unused"}
    assert {(row["PricingQuantity"], row["ContractedUnitPrice"]) for row in purchase} == {("500.000000", "1.850000")}
    assert sum(amount(row, "EffectiveCost") for row in usage) == sum(map(amount, purchase)) == decimal.Decimal("925.00")
    assert all(amount(row) == 0 for row in usage) and all(amount(row, "EffectiveCost") == 0 for row in purchase)
    (contract,) = export(billed.acme, "/v1/focus/contract-commitments")
    assert {row["CommitmentDiscountId"] for row in charges} == {contract["ContractCommitmentId"]}
    schemas = {name: json.loads((RULES / f"{name}objectschema.json").read_text()) for name in ("contractapplied", "contractcommitmentapplicability")}
    for row in usage:
        applied = json.loads(row["ContractApplied"])
        jsonschema.validate(applied, schemas["contractapplied"])
        assert applied["Elements"][0]["ContractCommitmentId"] == contract["ContractCommitmentId"]
    jsonschema.validate(json.loads(contract["ContractCommitmentApplicability"]), schemas["contractcommitmentapplicability"])


def test_preemptible_is_dynamic_and_tags_are_the_labels(billed):
    charges = export(billed.acme, "/v1/focus/cost-and-usage?month=2026-01-01")
    dynamic = [row for row in charges if row["PricingCategory"] == "Dynamic"]
    assert {row["ResourceName"] for row in dynamic} == {"train-preemptible"} and {row["SkuId"] for row in dynamic} == {"h100.8x"}
    assert sum(amount(row) for row in dynamic) == decimal.Decimal("20.198444"), "G19"
    assert json.loads(dynamic[0]["Tags"]) == {"team": "a, \"b\""}
    assert all(row["ChargePeriodStart"] < row["ChargePeriodEnd"] for row in charges)
    assert all(amount(row, "ConsumedQuantity") > 0 for row in charges if row["ConsumedQuantity"]), "deltas are added up"


def test_operators_see_what_the_hardware_cost_and_tenants_do_not(billed):
    path = "cost-and-usage?month=2026-01-01"
    rows = export(billed.operator, f"/v1/system/focus/{path}&tenant=acme")
    assert list(rows[0])[-3:] == ["x_AmortizedCapex", "x_PowerCost", "x_Margin"]
    assert not [column for column in export(billed.acme, f"/v1/focus/{path}")[0] if column.startswith("x_")]
    (cost,) = billed.sql("SELECT sum(depreciation_u) AS u FROM sluice.cost_allocation WHERE reservation_id IS NOT NULL")
    assert sum(amount(row, "x_AmortizedCapex") for row in rows if row["x_AmortizedCapex"]) == decimal.Decimal(int(cost["u"])) / 1000000


def test_an_account_sees_its_own(billed):
    other = billed.tenant("other")
    for path in SETS.values():
        assert export(other, f"/v1/focus/{path}") == []
