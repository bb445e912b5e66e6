"""What the demo's money has beside prices and invoices: what the fleet costs besides its hardware, purchase orders, commitments, a
discount, limits and grants, payments, a credit note, a draft that waits for a hand, a tenant whose close is parked, and what happened to
single assets.

Everything is made only where it is missing, so that a run that was cut short is continued.
"""
# SPDX-License-Identifier: Apache-2.0

import datetime

PARKED = "dunes"  # its tax is of a country without a rate: the close of its months cannot know it
RATES = (
    {"pool": "power", "basis": "kwh", "amount": {"amount": "0.085000", "currency": "USD"}, "pue_milli": 1300},
    {"pool": "colocation", "basis": "kw_month", "amount": {"amount": "180.000000", "currency": "USD"}},
    {"pool": "operations", "basis": "node_month", "amount": {"amount": "450.000000", "currency": "USD"}},
)
PROFILE = {"gpu_model": "H100", "gpu_count": 8, "idle_w": 3400, "full_w": 10200}
# Cohort, and what came with its order beside the price of its nodes.
FREIGHT, DUTY, INSTALLATION = "18500.00", "0.00", "42000.00"


def usd(amount):
    return {"amount": amount, "currency": "USD"}


def cents(money):
    return int(money["amount"].replace(".", ""))


def dollars(minor):
    return usd(f"{minor // 100}.{minor % 100:02}")


def day_of(moment):
    return moment.strftime("%Y-%m-%d")


def rules(demo, first):
    """Before the first reservation: cost rates, terms of tenants, who is billed how."""
    admin = demo.admin
    there = {rate["pool"] for rate in admin.items("/v1/system/cost-rates")}
    for rate in RATES:
        if rate["pool"] not in there:
            admin.post("/v1/system/cost-rates", {**rate, "valid_from": day_of(first)})
    admin.send("PUT", "/v1/system/power-profiles", PROFILE)
    if not admin.items("/v1/system/discounts"):
        admin.post("/v1/system/discounts", {"tenant": "borealis", "percent_bp": 750, "reason": "launch customer"})
    month = (first.replace(day=1) + datetime.timedelta(days=32)).strftime("%Y-%m-01")
    if not admin.items("/v1/system/commitments"):
        admin.post("/v1/system/commitments", {"tenant": "acme", "category": "usage", "sku_kind": "instance_type", "sku": "h100.8x",
                                              "gpu_hours": 120 * demo.nodes, "unit_price": usd("1.990000"), "first_month": month,
                                              "months": 12})
        admin.post("/v1/system/commitments", {"tenant": "cedar", "category": "spend", "amount": usd("25000.00"), "first_month": month,
                                              "months": 6, "payment_model": "partial_upfront", "upfront_bp": 2500})
    profiled = {profile["tenant"] for profile in admin.items("/v1/system/billing-profiles")}
    for profile in ({"tenant": "cedar", "legal_name": "Cedar Analytics LLC", "country": "US", "issue": "by_hand"},
                    {"tenant": "borealis", "legal_name": "Borealis KI GmbH", "country": "DE", "tax_number": "DE811111111"},
                    {"tenant": PARKED, "legal_name": "Dunes FZE", "tax_code": "reduced", "tax_country": "AE"}):
        if profile["tenant"] not in profiled:
            admin.post("/v1/system/billing-profiles", profile)
    if not admin.items("/v1/system/tax-rates"):
        admin.post("/v1/system/tax-rates", {"code": "standard", "country": "DE", "rate_bp": 1900})
        admin.post("/v1/system/tax-rates", {"code": "reverse", "country": "AT", "rate_bp": 0, "note": "Reverse charge: the buyer owes the tax"})


def orders(demo, first, assets):
    """An order for each cohort, paid in full by its assets but for the last, of which some is still to come."""
    there = {order["number"] for order in demo.admin.items("/v1/system/purchase-orders")}
    for cohort in dict.fromkeys(asset["cohort"] for asset in assets):
        number = f"PO-{cohort}"
        own = [asset for asset in assets if asset["cohort"] == cohort]
        total = sum(cents(asset["cost"]) for asset in own)
        extra = sum(cents(usd(amount)) for amount in (FREIGHT, DUTY, INSTALLATION))
        price = total - extra if total > extra else total
        if number not in there:
            demo.admin.post("/v1/system/purchase-orders", {
                "number": number, "vendor": "Example Systems", "ordered_on": day_of(first - datetime.timedelta(days=430)), "price": dollars(price),
                **({"freight": usd(FREIGHT), "duty": usd(DUTY), "installation": usd(INSTALLATION)} if total > extra else {}),
                "description": f"{len(own)} nodes of {cohort}"})
    if "PO-lot-5" not in there:
        demo.admin.post("/v1/system/purchase-orders", {"number": "PO-lot-5", "vendor": "Example Systems", "ordered_on": day_of(first),
                                                       "price": usd("2040000.00"), "freight": usd("6200.00"), "description": "8 nodes, to come"})
    for asset in assets:
        asset["purchase_order"] = f"PO-{asset['cohort']}"


def plan(schedule, first):
    """What happens to single assets, while time goes on."""
    day = datetime.timedelta(days=1)
    hour = datetime.timedelta(hours=10)
    changes = (
        (24, 0, {"kind": "re_estimate", "life_months": 72, "reason": "the vendor supports it longer"}),
        (46, 1, {"kind": "impair", "standard": "ias_36", "fair_value": usd("118000.00"), "value_in_use": usd("121500.00"),
                 "selling_cost": usd("2000.00"), "reason": "a new generation is out"}),
    )
    for after, node, body in changes:
        at = first + after * day + hour
        schedule.add(at, "asset", "finance", {"node": node, "change": {"effective_on": day_of(at + day), **body}})


def settle(demo):
    """At the end: what came in, what was credited, how far somebody may owe, what hardware could be sold for."""
    admin = demo.admin
    invoices = admin.items("/v1/system/invoices?status=issued")
    first_of = {invoice["tenant"]: invoice for invoice in reversed(invoices)}
    if not admin.items("/v1/system/payments"):
        for tenant, share in (("acme", 1), ("borealis", 2)):
            if tenant in first_of:
                owed = cents(first_of[tenant]["total"])
                admin.post("/v1/system/payments", {"tenant": tenant, "amount": dollars(owed // share), "reference": f"wire of {tenant}"})
    if not admin.items("/v1/system/credit-grants"):
        admin.post("/v1/system/credit-grants", {"tenant": "cedar", "kind": "promotional", "amount": usd("5000.00"), "note": "start-up programme"})
        admin.post("/v1/system/credit-grants", {"tenant": "acme", "amount": usd("50000.00"), "note": "prepaid for next month"})
    if "borealis" in first_of and not admin.items("/v1/system/credit-notes"):
        admin.post(f"/v1/system/invoices/{first_of['borealis']['id']}/credit", {
            "reason": "a slow fabric in the first week", "lines": [{"line_no": 1, "share_numerator": 1, "share_denominator": 3}]})
    if not admin.items("/v1/system/market-prices"):
        admin.post("/v1/system/market-prices", {"gpu_model": "H100", "price": usd("26000.00"), "selling_cost": usd("400.00"),
                                                "source": "broker quotes"})
        admin.post("/v1/system/market-prices", {"cohort": "lot-4", "price": usd("198000.00"), "selling_cost": usd("3000.00"),
                                                "source": "the vendor's buy-back"})
    for tenant in admin.items("/v1/system/tenants?name=cedar"):
        admin.send("PUT", f"/v1/system/tenants/{tenant['id']}/credit-limit", {"limit": usd("2500000.00")})
