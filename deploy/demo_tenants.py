"""What the demo's tenants have beside reservations: projects, keys, people, tokens, webhooks, quotes, limits and rules.

Everything is named, and made only where it is missing, so that a run that was cut short is continued.
"""
# SPDX-License-Identifier: Apache-2.0

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} {}@{}"
KEYS = (("ana", "A" * 43), ("build-farm", "B" * 43))
PEOPLE = (("ana", "admin"), ("bela", "member"), ("chen", "viewer"), ("dora", "billing"))
PROJECTS = (("pretraining", "Foundation models"), ("evaluation", "Nightly benchmarks"))
ACCOUNTS = (("scheduler", "member", "Starts what is due"), ("meter", "viewer", "Reads usage into the data warehouse"))
PREEMPTIBLE = (("h100.8x", "1.490000"), ("h100.4x", "1.590000"), ("h100.1x", "1.790000"), ("h100.half", "1.990000"))
POLICIES = (
    {"kind": "cancellation", "tier": "reserved", "steps": [{"least": 0, "share_bp": 5000}, {"least": 86400, "share_bp": 2500},
                                                           {"least": 604800, "share_bp": 0}]},
    {"kind": "early_release", "tier": "reserved", "steps": [{"least": 0, "share_bp": 2500}]},
)


def missing(api, path, name):
    return not api.items(f"{path}?name={name}")


def rules(demo):
    """Before the first reservation: what preemptible ones cost, and what cancelling does."""
    priced = {(item["sku"], item["tier"]) for item in demo.admin.items("/v1/system/prices")}
    for sku, amount in PREEMPTIBLE:
        if (sku, "preemptible") not in priced:
            demo.admin.post("/v1/system/prices", {"sku_kind": "instance_type", "sku": sku, "tier": "preemptible",
                                                  "gpu_hour": {"amount": amount, "currency": "USD"}})
    there = {policy["kind"] for policy in demo.admin.items("/v1/system/charge-policies")}
    for policy in POLICIES:
        if policy["kind"] not in there:
            demo.admin.post("/v1/system/charge-policies", policy)
    if missing(demo.admin, "/v1/system/images", "ubuntu-24.04-cuda"):
        demo.admin.post("/v1/system/images", {"name": "ubuntu-24.04-cuda", "description": "Ubuntu 24.04 with drivers and CUDA"})


def people(demo, tenant):
    """Who acts for a tenant, with which keys and tokens, and for what."""
    api = demo.apis[tenant]
    for name, text in KEYS:
        if missing(api, "/v1/ssh-keys", name):
            api.post("/v1/ssh-keys", {"name": name, "public_key": KEY.format(text, name, tenant)})
    for name, description in PROJECTS:
        if missing(api, "/v1/projects", name):
            api.post("/v1/projects", {"name": name, "description": description})
    for name, role in PEOPLE:
        if missing(api, "/v1/members", name):
            api.post("/v1/members", {"name": name, "role": role, "email": f"{name}@{tenant}.example"})
    for name, role, description in ACCOUNTS:
        if missing(api, "/v1/service-accounts", name):
            api.post("/v1/service-accounts", {"name": name, "role": role, "description": description})
            api.post("/v1/tokens", {"name": f"{name}-1", "principal": name, "role": role})
    if missing(api, "/v1/tokens", "usage-export"):
        api.post("/v1/tokens", {"name": "usage-export", "role": "viewer", "scopes": ["usage:read", "invoices:read"],
                                "expires_at": "2099-01-01T00:00:00Z"})


def webhooks(demo, tenant):
    """One that nobody answers: the address is reserved for examples. A server without a key for secrets has no webhooks: it
    says so, and once it has one the next run makes the webhook."""
    api = demo.apis[tenant]
    if api.items("/v1/webhooks"):
        return
    made = api.post("/v1/webhooks", {"url": "https://example.com/sluice", "events": ["reservation.*", "instance.*"],
                                     "description": "The cluster's own scheduler"}, expect=(201, 409))
    if "id" not in made:
        demo.say(f"no webhook yet: {made['title']}")


def quotes(demo, tenant, zone, starts_at, ends_at, count):
    """What is held while somebody decides."""
    api = demo.apis[tenant]
    for name, each in (("bid-small", count), ("bid-large", 2 * count)):
        if missing(api, "/v1/quotes", name):
            api.post("/v1/quotes", {"name": name, "instance_type": "h100.8x", "count": each, "zone": zone, "starts_at": starts_at,
                                    "ends_at": ends_at, "ttl_s": 86400}, expect=(201, 202, 409))


def money(demo, tenant, first_month):
    """Prepaid credit, a limit that is far away, and a promise to spend."""
    if not demo.apis[tenant].items("/v1/credit-grants"):
        demo.admin.post("/v1/system/credit-grants", {"tenant": tenant, "kind": "promotional", "note": "Welcome",
                                                     "amount": {"amount": "5000.00", "currency": "USD"}})
    if not demo.apis[tenant].items("/v1/commitments"):
        demo.admin.post("/v1/system/commitments", {"tenant": tenant, "category": "usage", "sku_kind": "instance_type", "sku": "h100.4x",
                                                   "tier": "on_demand", "gpu_hours": 2000, "months": 12, "first_month": first_month,
                                                   "unit_price": {"amount": "2.900000", "currency": "USD"},
                                                   "payment_model": "no_upfront"})


def quotas(demo, tenant, zone, gpus):
    if not demo.apis[tenant].items("/v1/quotas"):
        demo.admin.post("/v1/system/quotas", {"tenant": tenant, "zone": zone, "peak_gpu_milli": gpus * 1000, "month_gpu_hours": gpus * 720})
