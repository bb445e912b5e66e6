"""The 26 invariants of docs/money.md, each a check of a history that was played: by the oracle, by what REST tells and
by what the database holds. INVARIANTS names them; what a check finds wrong, it raises."""
# SPDX-License-Identifier: Apache-2.0

import json
import re
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction

import capex_invariants as of_capex
from counting_house import identity_of, month_text, uuid_of
from oracle import books as oracle_books
from oracle import metering
from oracle.amounts import DAY_S, month_of, text_of
from oracle.rating import Group, Sum
from purchasing import orders_are_capitalised

RATED = """
SELECT reservation_id::text AS r, price_id::text AS p, commitment_id::text AS c, commitment_status AS status, charge_category AS category, reason,
       extract(epoch FROM coalesce(corrects, period_start))::bigint AS period, sum(gpu_milli_seconds + meter_quantity)::bigint AS quantity, sum(contracted_u)::bigint AS contracted,
       sum(effective_u)::bigint AS effective, sum(amount_u)::bigint AS billed
  FROM rated_line WHERE tenant_id = %s GROUP BY 1, 2, 3, 4, 5, 6, 7"""

SHARED = ("cash", "tax_payable", "rounding")  # accounts that are no tenant's own


def rated(house, tenant):
    """period's begin -> Group -> Sum, as the system's deltas sum up."""
    found = defaultdict(dict)
    for row in house.rows(RATED, tenant.id):
        total = Sum(row["quantity"], row["contracted"], row["effective"], row["billed"])
        if total:
            found[row["period"]][Group(row["r"], row["p"], row["c"], row["status"], row["category"], row["reason"])] = total
    return found


def due(house, tenant):
    """The same, rated anew from everything that is known."""
    world = house.world
    periods = oracle_books.periods_of(world, tenant, house.today)
    return {period[0]: groups for period in periods if (groups := world.groups(tenant, period, house.today))}


def journals_balance(history):
    house = history.house
    assert house.rows("SELECT j.idempotency_key FROM entry e JOIN journal j ON j.id = e.journal_id JOIN account a ON a.id = e.account_id"
                      " GROUP BY j.id, a.currency HAVING sum(e.debit_u) <> sum(e.credit_u)") == []
    folded = Counter()
    for row in house.rows("SELECT a.code, coalesce(t.name, '') AS tenant, a.currency, e.debit_u, e.credit_u FROM entry e JOIN account a ON a.id = e.account_id"
                          " LEFT JOIN tenant t ON t.id = a.tenant_id"):
        folded[row["code"], row["tenant"], row["currency"]] += row["debit_u"] - row["credit_u"]
    told = {(item["account"], item["tenant"] or "", item["currency"]): micro(item["debit"]) - micro(item["credit"]) for item in house.operator.items("/v1/system/ledger")}
    assert {key: u for key, u in told.items() if u} == {key: u for key, u in folded.items() if u}
    history.accounts = folded
    for tenant in house.world.tenants:
        ours = house.books[tenant.name]
        for groups in due(house, tenant).values():
            ours.rate(groups.values())
        for code, amount in ours.accounts.items():
            told = folded[code, tenant.name, tenant.currency]
            assert code in SHARED or told == amount, f"{tenant.name}, {code}: the system says {told}, the oracle {amount}"
    sold = sum(change.proceeds - change.selling_cost for asset in house.assets for change, _ in asset.changes if change.kind in ("dispose", "replace_part")) * 10 ** 4
    for code in SHARED:
        for currency in {t.currency for t in house.world.tenants}:
            due_of_all = sum(house.books[t.name].accounts[code] for t in house.world.tenants if t.currency == currency)
            due_of_all += sold if (code, currency) == ("cash", "USD") else 0
            assert folded[code, "", currency] == due_of_all, f"{code}, {currency}: the system says {folded[code, '', currency]}, the oracle {due_of_all}"


def micro(amount):
    return int(Decimal(amount["amount"] if isinstance(amount, dict) else amount) * 10 ** 6)


def order_and_repetition_do_not_matter(history):
    house = history.house
    base = twin(history, "base")
    assert twin(history, "shuffled") == base
    # Known before a close or after it: the same in all, in one period or as a correction in the next.
    assert totals(twin(history, "early")) == totals(twin(history, "late"))
    tenant = history.twins["late"]
    period = month_of(history.outage[0], tenant.zone)
    (told,) = [c for c in house.world.corrections if c.reservation is history.twin_reservations["late"]]
    corrected = house.value("SELECT count(*) FROM rated_line WHERE tenant_id = %s AND corrects = to_timestamp(%s)", tenant.id, period[0])
    assert (corrected > 0) == (house.world.closes(tenant, period) <= told.known_at), "it is a correction if the period was closed"


def twin(history, name):
    """What a twin's usage comes to, by period: ids of reservations aside."""
    groups = rated(history.house, history.twins[name])
    return {(period, g.price, g.category, g.reason): (t.quantity, t.contracted_u, t.effective_u, t.billed_u) for period, of in groups.items() for g, t in of.items()}


def totals(groups):
    return [sum(column) for column in zip(*(value for key, value in groups.items() if key[2] == "usage"))]


def a_known_event_with_another_payload_changes_nothing(history):
    house, dice = history.house, history.dice
    before = house.rows("SELECT * FROM usage_interval ORDER BY 1, 2, 3"), house.rows("SELECT * FROM rated_line ORDER BY id"), house.rows("SELECT * FROM entry")
    instance = dice.choice([i for i in house.world.instances if len(i.facts) > 2])
    payload = house.value("SELECT payload FROM event WHERE object_id = %s AND object_revision = 2 LIMIT 1", instance.id)
    house.run("SELECT event_append(%s, %s, 'instance', %s, 2, 'instance.stopped', NULL, %s, sluice_now()), pg_notify('sluice_event', '')", instance.reservation.tenant.id,
              house.zone, instance.id, json.dumps({**payload, "state": "stopped", "gpu_milli": 1}))
    tenant = history.tenants[3]
    wish = {"tenant": tenant.name, "amount": {"amount": {"JPY": "7", "KWD": "7.000"}.get(tenant.currency, "7.00"), "currency": tenant.currency}}
    house.new_payment(tenant, {"JPY": 7, "KWD": 7000}.get(tenant.currency, 700))
    house.operator.post("/v1/system/credit-grants", wish, headers={"Idempotency-Key": "twice"}).expect(201)
    again = house.operator.post("/v1/system/credit-grants", {**wish, "priority": 3}, headers={"Idempotency-Key": "twice"})
    assert again.status in (409, 422), again
    grants = house.operator.items(f"/v1/system/credit-grants?tenant={tenant.name}")
    assert sum(g["priority"] == 3 and g["amount"] == wish["amount"] for g in grants) == 0
    house.evening()
    house.midnight()
    history.close()
    after = house.rows("SELECT * FROM usage_interval WHERE period_start < to_timestamp(%s) ORDER BY 1, 2, 3", house.today - DAY_S)
    assert after == before[0]
    (grant,) = [g for g in grants if g["amount"] == wish["amount"] and g["note"] == ""][-1:]
    house.books[tenant.name].grant(oracle_books.Grant(uuid_of(grant["id"]), house.today - 1, micro(wish["amount"]), False, 0))


def usage_tiles_each_window(history):
    house = history.house
    found = defaultdict(list)
    for row in house.rows("SELECT instance_id::text AS i, node_id::text AS n, gpu_milli, class, extract(epoch FROM period_start)::bigint AS f,"
                          " extract(epoch FROM period_end)::bigint AS t, reservation_id::text AS r FROM usage_interval"):
        assert row["f"] // DAY_S == (row["t"] - 1) // DAY_S, "within one UTC day"
        found[row["i"]].append(metering.Stretch(row["f"], row["t"], row["class"], row["n"], row["gpu_milli"]))
    for instance in house.world.instances:
        due_of_it = metering.merged(instance.stretches(house.today))
        known = metering.merged(s for s in found.get(instance.id, []) if s.begin < house.today)
        assert known == due_of_it, f"{instance.id}: {known}, expected {due_of_it}; facts {instance.facts}"
        assert all(one.end == other.begin for one, other in zip(known, known[1:])), "no gap, no overlap"
    assert set(found) <= {i.id for i in house.world.instances}


def no_gpu_is_in_two_intervals(history):
    steps = defaultdict(list)
    for row in history.house.rows("SELECT node_id::text AS n, gpu_milli, period_start AS f, period_end AS t FROM usage_interval"
                                  " WHERE node_id IS NOT NULL AND class <> 'preempted'"):
        steps[row["n"]] += [(row["f"], row["gpu_milli"]), (row["t"], -row["gpu_milli"])]
    size = {node.id: node.gpus * 1000 for node in history.house.world.nodes}
    for node, changes in steps.items():
        held = 0
        for _, change in sorted(changes):
            held += change
            assert held <= size[node], node


def cutting_an_interval_changes_nothing(history):
    assert twin(history, "split") == twin(history, "base")
    house = history.house
    cuts = house.value("SELECT count(*) FROM usage_interval WHERE tenant_id = %s", history.twins["split"].id)
    assert cuts > house.value("SELECT count(*) FROM usage_interval WHERE tenant_id = %s", history.twins["base"].id)


def deltas_sum_to_a_fresh_rating(history):
    for tenant in history.house.world.tenants:
        told, fresh = rated(history.house, tenant), due(history.house, tenant)
        for period in {*told, *fresh}:
            one, other = told.get(period, {}), fresh.get(period, {})
            wrong = {group: (one.get(group), other.get(group)) for group in {*one, *other} if one.get(group) != other.get(group)}
            assert not wrong, f"{tenant}, {text_of(period)}: group: (system, oracle) {wrong}"


def running_again_changes_nothing(history):
    house = history.house
    tables = ("rated_line", "entry", "invoice", "node_cost", "cost_allocation", "depreciation", "usage_interval")
    before = {table: house.rows(f"SELECT * FROM {table} t ORDER BY t::text") for table in tables}
    house.daemon.kill()
    house.daemon.start()
    house.step(text_of(house.today))
    for table, rows in before.items():
        assert house.rows(f"SELECT * FROM {table} t ORDER BY t::text") == rows, table


def closed_periods_stay_as_they_are(history):
    house = history.house
    assert history.closed, "the history is long enough to close a month"
    for (tenant, begin), digest in history.closed.items():
        assert digest == history.digest(tenant, begin), (tenant, begin)
    for row in house.rows("SELECT l.*, p.closed_at FROM rated_line l JOIN billing_period p ON p.tenant_id = l.tenant_id AND p.starts_at = l.period_start"
                          " WHERE l.corrects IS NOT NULL"):
        assert row["charge_class"] == "correction" and row["corrects"] < row["period_start"]


def invoices_add_up(history):
    house = history.house
    moved = Counter()
    for row in house.rows("SELECT a.tenant_id::text AS t, j.idempotency_key AS k, e.debit_u - e.credit_u AS u FROM entry e JOIN journal j ON j.id = e.journal_id"
                          " JOIN account a ON a.id = e.account_id WHERE a.code = 'receivable' AND j.idempotency_key LIKE 'invoice:%%'"):
        moved[row["k"].split(":")[1]] += row["u"]
    for invoice in issued(history):
        body = house.operator.get(f"/v1/system/invoices/{identity_of('inv', invoice.id)}").expect(200).body
        lines = house.operator.items(f"/v1/system/invoices/{body['id']}/lines")
        net, tax, total = (micro(body[name]) for name in ("net", "tax", "total"))
        assert sum(micro(line["net"]) for line in lines) == net and sum(micro(t["tax"]) for t in body["taxes"]) == tax and net + tax == total
        assert sum(micro(line["tax_shown"]) for line in lines) == tax
        assert moved[invoice.id] == total
        for line in (each for each in lines if each["reason"] == "sla_credit"):
            explained = house.operator.get(f"/v1/system/invoices/{body['id']}/lines/{line['line_no']}/explain").expect(200).body
            found = [(re.match(r"(-?\d+) / 10000 of the (-?\d+) that its usage", step["how"]), step) for step in explained["steps"]]
            assert [round(Fraction(-int(of[1]) * int(of[2]), 10000)) == int(step["result"]) for of, step in found if of] == [True], (line, explained["steps"])
        exact = {line["line_no"]: micro(line["net"]) * Fraction(invoice.rate_bp, 10000) for line in lines}
        size = 10 ** 6 // 10 ** {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}[invoice.tenant.currency]
        assert all(abs(micro(line["tax_shown"]) - exact[line["line_no"]]) <= size * len(lines) for line in lines)


def issued(history):
    return [invoice for books in history.house.books.values() for invoice in books.invoices]


def issued_invoices_are_byte_stable(history):
    assert history.documents
    for invoice, document in history.documents.items():
        now = history.document(invoice)
        assert now == document, [(key, document[0][key], now[0][key]) for key in now[0] if now[0][key] != document[0].get(key)] or (now[1:], document[1:])
        assert document[1] == document[2], "the hash is of the document"


def numbers_are_gapless(history):
    numbers = defaultdict(list)
    for row in history.house.rows("SELECT series, number FROM invoice WHERE number IS NOT NULL UNION ALL SELECT series, number FROM credit_note"):
        numbers[row["series"]].append(row["number"])
    for series, taken in numbers.items():
        assert sorted(taken) == list(range(1, len(taken) + 1)), series
    assert history.house.value("SELECT count(*) FROM invoice WHERE number IS NOT NULL") == len(issued(history))


def credits_stay_within_the_invoice(history):
    house = history.house
    for invoice in issued(history):
        rows = house.rows("SELECT invoice_line_no, sum(net_minor)::bigint AS net, sum(tax_shown_minor)::bigint AS tax FROM credit_note_line WHERE invoice_id = %s GROUP BY 1",
                          invoice.id)
        for row in rows:
            line = invoice.lines[invoice.line_numbers.index(row["invoice_line_no"])]
            assert row["net"] == line.credited and abs(row["net"]) <= abs(line.net)
        tax = house.value("SELECT coalesce(sum(tax_minor), 0)::bigint FROM credit_note WHERE invoice_id = %s", invoice.id)
        assert abs(tax) <= abs(invoice.tax)
        if rows and all(line.credited == line.net for line in invoice.lines):
            assert tax == invoice.tax


def commitments_are_spread(history):
    house, world = history.house, history.house.world
    for one in world.commitments:
        told = rated(house, one.tenant)
        for period in oracle_books.periods_of(world, one.tenant, house.today):
            if not (one.begins <= period[0] and period[1] <= min(one.ends, house.today)):
                continue
            billed, cost = one.of_period(*period, world.number_of(one, period))
            mine = {g: t for g, t in told[period[0]].items() if g.commitment == one.id}
            used = sum(t.effective_u for g, t in mine.items() if g.status == "used")
            unused = sum(t.effective_u for g, t in mine.items() if g.status == "unused")
            assert used + unused == cost and unused >= 0
            assert sum(t.quantity for g, t in mine.items() if g.status == "used") <= one.gpu_hours * 3_600_000 or one.category == "spend"
            assert sum(t.billed_u for g, t in mine.items() if g.category == "purchase") == billed and all(t.billed_u == 0 for g, t in mine.items() if g.status)
    assert all(row["overage_u"] >= 0 for row in house.rows("SELECT overage_u FROM commitment_period WHERE commitment_id IN (SELECT id FROM commitment WHERE category = 'usage')"))


def credit_never_goes_below_nothing(history):
    house = history.house
    for books in house.books.values():
        told = {item["id"]: item for item in house.operator.items(f"/v1/system/credit-grants?tenant={books.tenant.name}")}
        for grant in books.grants:
            item = told[identity_of(next(iter(told)).split("_")[0], grant.id)]
            assert micro(item["remaining"]) == grant.left_u >= 0, (books.tenant.name, item, grant)
        opened = {row["id"]: row["open_u"] for row in house.rows(
            "SELECT i.id::text AS id, o.open_u FROM invoice_open o JOIN invoice i ON i.id = o.invoice_id WHERE i.tenant_id = %s", books.tenant.id)}
        for invoice in books.invoices:
            assert opened.get(invoice.id, 0) == invoice.open_u >= 0, (books.tenant.name, invoice.number)


def local_months_have_every_second(history):
    house = history.house
    for tenant in house.world.tenants:
        periods = house.rows("SELECT extract(epoch FROM starts_at)::bigint AS f, extract(epoch FROM ends_at)::bigint AS t FROM billing_period WHERE tenant_id = %s ORDER BY 1",
                             tenant.id)
        for row in periods:
            assert month_of(row["f"], tenant.zone) == (row["f"], row["t"])
        assert sum(row["t"] - row["f"] for row in periods) == (periods[-1]["t"] - periods[0]["f"] if periods else 0) or \
            any(one["t"] != other["f"] for one, other in zip(periods, periods[1:]))
    begin, end = (house.value(f"SELECT extract(epoch FROM {f})::bigint FROM usage_interval WHERE tenant_id = %s", history.twins["base"].id)
                  for f in ("min(period_start)", "max(period_end)"))
    away = house.value("SELECT coalesce(sum(extract(epoch FROM period_end - period_start)), 0)::bigint FROM usage_interval WHERE tenant_id = %s AND class = 'unready'",
                       history.twins["base"].id)
    assert totals(twin(history, "base"))[0] == (min(end, house.today) - begin - away) * 1000


def focus_is_what_was_invoiced(history):
    house = history.house
    for invoice in (each for each in issued(history) if not each.is_void):
        month = month_text(invoice.period[0] + 14 * DAY_S)
        rows = [r for r in house.focus(f"cost-and-usage?month={month}&tenant={invoice.tenant.name}") if r["InvoiceId"] == invoice.number]
        size = 10 ** 6 // 10 ** {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}[invoice.tenant.currency]
        assert sum(micro(row["BilledCost"]) for row in rows) == invoice.total * size, invoice.number
        spread, fees = Counter(), Counter()
        for row in rows:
            if row["CommitmentDiscountId"] and row["ChargeClass"] != "Correction":
                spread[row["CommitmentDiscountId"]] += micro(row["EffectiveCost"]) if row["ChargeCategory"] == "Usage" else 0
                fees[row["CommitmentDiscountId"]] += micro(row["BilledCost"]) if row["ChargeCategory"] == "Purchase" else 0
        for one in house.world.commitments:
            key = next((k for k in fees if k.startswith("cmt_") and k == identity_of("cmt", one.id)), None)
            if key and one.months == 1:
                assert spread[key] == fees[key], key
    assert house.rows("SELECT * FROM check_focus") == []


def the_sign_of_a_quantity_is_that_of_its_amount(history):
    """An outage that was told and taken back leaves what there was; both lines are of one size."""
    assert totals(twin(history, "signed")) == totals(twin(history, "base"))
    taken = totals(twin(history, "base"))[3] - totals(twin(history, "late"))[3]
    house, tenant = history.house, history.twins["late"]
    price = next(p for p in house.world.book.prices if (p.sku, p.tier, p.currency, p.tenant) == ("one", "reserved", "USD", None))
    away = sum(max(0, min(s.end, history.outage[1]) - max(s.begin, history.outage[0])) for s in [metering.Stretch(*history.outage, "used", None, 1000)])
    assert abs(taken - Fraction(price.unit_u * away * 1000, 3_600_000)) <= 2, tenant


def scaling_gpus_scales_amounts(history):
    """Three times the GPUs: within (k + 1) / 2 micro-units per group that is rounded."""
    base, tripled = twin(history, "base"), twin(history, "tripled")
    for key in {*base, *tripled}:
        if key[2] == "usage":
            assert tripled[key][0] == 3 * base[key][0]
            assert all(abs(many - 3 * one) <= 2 for one, many in zip(base[key][1:], tripled[key][1:])), key


# Numbers are those of the design. Those that change nothing come first; the last two act once more.
INVARIANTS = {
    4: usage_tiles_each_window, 5: no_gpu_is_in_two_intervals, 7: deltas_sum_to_a_fresh_rating, 2: order_and_repetition_do_not_matter,
    6: cutting_an_interval_changes_nothing, 25: the_sign_of_a_quantity_is_that_of_its_amount, 26: scaling_gpus_scales_amounts, 9: closed_periods_stay_as_they_are,
    10: invoices_add_up, 11: issued_invoices_are_byte_stable, 12: numbers_are_gapless, 13: credits_stay_within_the_invoice, 14: commitments_are_spread,
    15: credit_never_goes_below_nothing, 16: of_capex.schedules_sum_and_fall, 17: of_capex.an_estimate_changes_only_what_follows, 18: of_capex.disposal_leaves_nothing,
    19: of_capex.node_days_sum, 20: of_capex.all_cost_is_borne_or_idle, 21: of_capex.margin_is_the_ledgers, 22: of_capex.the_floor_gives_its_margin,
    23: local_months_have_every_second, 24: focus_is_what_was_invoiced, 1: journals_balance, 8: running_again_changes_nothing,
    3: a_known_event_with_another_payload_changes_nothing,
}
assert sorted(INVARIANTS) == list(range(1, 27))


def check_all(history):
    for number, check in INVARIANTS.items():
        try:
            check(history)
        except AssertionError as error:
            raise AssertionError(f"invariant {number}, {check.__name__}, of seed {history.seed}: {error}") from error
    orders_are_capitalised(history)
    history.house.sound()
