"""What the browser tests find: a small fleet that has lived for eleven days. A function for each concern; `seed` is their order."""
# SPDX-License-Identifier: Apache-2.0

ZONE = "us-east-1a"
FABRICS, RACKS, NODES = 2, 6, 6  # racks per fabric, nodes per rack
BEGINNING = "2025-12-28T00:00:00Z"  # a month is over, and invoiced, before the year begins
TODAY = "2026-01-12T08:00:00Z"
# name, tenant, count, first day and day after the last in January 2026
RESERVATIONS = (
    ("llama-pretrain", "acme", 24, 2, 22),
    ("rlhf-sweep", "northwind", 12, 4, 16),
    ("eval-nightly", "acme", 4, 3, 8),
    ("vision-finetune", "zephyr", 16, 6, 30),
    ("tts-distill", "zephyr", 8, 20, 28),
    ("embedding-rebuild", "northwind", 6, 5, 10),
)
REFUSED = ("everything-at-once", "acme", 70, 7, 9)


def reserve(tenants, name, tenant, count, first, after, expect):
    body = {"name": name, "instance_type": "h100.8x", "count": count, "zone": ZONE,
            "starts_at": f"2026-01-{first:02}T00:00:00Z", "ends_at": f"2026-01-{after:02}T00:00:00Z"}
    return tenants[tenant].post("/v1/reservations", body).expect(expect).body


def fleet(stack):
    """Nodes in racks of two fabrics, each bought."""
    stack.fleet(nodes=0, zone=ZONE)
    for number in range(FABRICS * RACKS * NODES):
        rack = number // NODES
        node = stack.node(f"gpu-{number + 1:04}", ZONE, fabric=f"ib-{'ab'[rack // RACKS]}", rack=f"r{rack + 1:02}")
        stack.operator.create("/v1/system/assets", {
            "serial": f"S{number:05}", "node": node["id"], "cohort": "2025-q4", "vendor": "example",
            "cost": {"amount": "240000.00", "currency": "USD"}, "salvage": {"amount": "0.00", "currency": "USD"},
            "in_service": "2025-12-01", "life_months": 60})


def reservations(tenants):
    """In many states: running, ended, to come, refused, cancelled."""
    for reservation in RESERVATIONS:
        reserve(tenants, *reservation, expect=201)
    reserve(tenants, *REFUSED, expect=409)
    cancelled = reserve(tenants, "second-thoughts", "acme", 2, 25, 27, expect=201)
    tenants["acme"].post(f"/v1/reservations/{cancelled['id']}/cancel").expect(200)


def invoiced(stack):
    """A month behind it: one tenant is billed at the close, the other by hand."""
    for name, issue in (("billed", "at_close"), ("held", "by_hand")):
        tenant = stack.tenant(name)
        stack.operator.create("/v1/system/billing-profiles", {
            "tenant": name, "legal_name": name.title(), "issue": issue, "invoice_series": issue[:2].upper()})
        tenant.create("/v1/reservations", {"instance_type": "h100.8x", "count": 1, "zone": ZONE, "name": f"past-{name}",
                                           "starts_at": "2025-12-29T00:00:00Z", "ends_at": "2025-12-31T00:00:00Z"})


def belongings(acme):
    """What a tenant has beside reservations."""
    acme.post("/v1/ssh-keys", {"name": "ana", "public_key": f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'A' * 43} ana@acme"}).expect(201)
    acme.post("/v1/projects", {"name": "evaluation", "description": "Nightly benchmarks"}).expect(201)
    acme.post("/v1/service-accounts", {"name": "scheduler", "role": "member"}).expect(201)
    acme.post("/v1/quotes", {"name": "bid", "instance_type": "h100.8x", "count": 2, "zone": ZONE, "starts_at": "2026-02-01T00:00:00Z",
                             "ends_at": "2026-02-03T00:00:00Z", "ttl_s": 86400}).expect(201)


def troubles(stack):
    """What needs a hand."""
    idle = stack.operator.items("/v1/system/nodes?limit=1000")[-1]
    stack.operator.post(f"/v1/system/nodes/{idle['id']}/cordon", {"reason": "fan noise"}).expect(200)


def health(stack):
    """What exporters said last: of the first node that its third GPU is hot and has fallen off the bus."""
    nodes = stack.operator.items("/v1/system/nodes?limit=1000")
    readings = [{"node": node["id"], "gpu": gpu, "read_at": TODAY, "temperature_c": 84 if (number, gpu) == (0, 2) else 45 + number % 20,
                 "power_w": 500, "utilization_percent": 90, "ecc_corrected": number % 3, "ecc_uncorrected": 0, "remapped_rows": 0,
                 "remap_is_pending": False} for number, node in enumerate(nodes) for gpu in range(node["gpu_count"])]
    stack.operator.post("/v1/system/gpu-readings", {"items": readings}).expect(204)
    stack.operator.post("/v1/system/gpu-errors", {"items": [{"node": nodes[0]["id"], "gpu": 2, "happened_at": TODAY, "xid": 79,
                                                             "message": "GPU has fallen off the bus"}]}).expect(204)


def seed(stack):
    """Fills the stack. Returns the token of a tenant's admin."""
    fleet(stack)
    invoiced(stack)
    tenants = {name: stack.tenant(name) for name in ("acme", "northwind", "zephyr")}
    stack.advance("2026-01-01T12:00:00Z")
    reservations(tenants)
    troubles(stack)
    stack.advance(TODAY)
    health(stack)
    belongings(tenants["acme"])
    return tenants["acme"].token
