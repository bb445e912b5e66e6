"""Quotas: what a tenant or a project of it may hold of a zone, decided by the zone's planner."""
# SPDX-License-Identifier: Apache-2.0

import threading

import pytest

from stack import eventually


def at(day, hour=0, month=1):
    return f"2026-{month:02}-{day:02}T{hour:02}:00:00Z"


class Tenant:
    """A tenant's client, and the operator's hand on its quotas."""

    def __init__(self, stack, name, **fields):
        self.stack = stack
        self.client = stack.tenant(name, may_shape=True, **fields)
        self.name = name

    def limit(self, **fields):
        """When it answers, the planner knows."""
        made = self.stack.quota(self.name, **fields)
        eventually(lambda: any(item["held_gpu_milli"] is not None and item["id"] == made["id"] for item in self.held()),
                   "the planner knows of the quota")
        return made

    def held(self):
        return self.client.items("/v1/quotas")

    def wish(self, starts_at=at(2), ends_at=at(3), count=1, client=None, **fields):
        return (client or self.client).post("/v1/reservations", {
            "instance_type": "h100.8x", "count": count, "zone": "us-east-1a", "starts_at": starts_at, "ends_at": ends_at, **fields})


@pytest.fixture
def acme(stack):
    """A fleet of four nodes of 8 GPUs and a tenant."""
    stack.fleet(nodes=4)
    return Tenant(stack, "acme")


def test_a_peak_holds_at_every_instant(acme):
    acme.limit(peak_gpu_milli=16000)
    acme.wish(at(2), at(4), count=1).expect(201)
    acme.wish(at(3), at(5), count=1).expect(201)
    refused = acme.wish(at(2), at(6), count=1).expect(409)
    assert refused.code == "quota_exceeded" and refused.body["retryable"] is False
    binding = refused.body["binding"]
    assert binding["constraint"] == "quota" and binding["quota"] == "peak_gpu_milli"
    assert (binding["limit"], binding["held"], binding["asked"]) == (16, 16, 8)
    assert binding["from"] == at(3) and binding["fits_at"] == at(4)
    assert binding["message"] == f"the tenant may hold 16 GPUs at a time: from {at(3)} on 16 are held, 8 are asked for"
    (instead,) = refused.body["alternatives"]
    assert instead["starts_at"] == at(4) and instead["ends_at"] == at(8)
    acme.client.post("/v1/reservations", instead).expect(201)
    acme.wish(at(2), at(3), count=1).expect(201)
    Tenant(acme.stack, "other").wish(at(2), at(3), count=2).expect(201)


def test_two_at_once_never_slip_under_together(acme):
    acme.limit(peak_gpu_milli=24000)
    for day in range(2, 8):
        answers = []

        def ask(day=day, answers=answers):
            client = acme.client.clone()
            answers.append(acme.wish(at(day), at(day + 1), count=2, client=client))
            client.close()

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status for answer in answers) == [201, 409]
        assert [answer.code for answer in answers if answer.status == 409] == ["quota_exceeded"]


def test_a_month_ends_at_its_last_second(make_stack):
    stack = make_stack(start=at(29))
    stack.fleet(nodes=4)
    acme = Tenant(stack, "acme")
    acme.limit(month_gpu_hours=8 * 24)
    acme.wish(at(30), at(31)).expect(201)
    refused = acme.wish(at(31, 12), at(1, 12, month=2)).expect(409)
    assert refused.code == "quota_exceeded" and refused.body["binding"]["quota"] == "month_gpu_hours"
    assert refused.body["binding"]["fits_at"] == at(1, month=2)
    assert (refused.body["binding"]["limit"], refused.body["binding"]["held"], refused.body["binding"]["asked"]) == (192, 192, 96)
    acme.client.post("/v1/reservations", refused.body["alternatives"][0]).expect(201)
    acme.stack.advance(at(31, 1))
    assert acme.wish(at(31, 2), at(31, 3)).expect(409).code == "quota_exceeded"  # what was used counts to the end of the month
    acme.stack.advance(at(1, 6, month=2))
    (held,) = acme.held()
    assert (held["held_gpu_milli"], held["held_month_gpu_hours"]) == (8000, 8 * 24)
    acme.limit(month_gpu_hours=8 * 25)
    acme.wish(at(3, month=2), at(3, 1, month=2)).expect(201)
    assert acme.wish(at(4, month=2), at(4, 1, month=2)).expect(409).code == "quota_exceeded"


def test_a_project_counts_within_its_tenant(acme):
    for name in ("research", "training", "other"):
        acme.client.create("/v1/projects", {"name": name})
    acme.limit(peak_gpu_milli=24000)
    acme.limit(project="research", peak_gpu_milli=8000)
    acme.wish(count=1, project="research").expect(201)
    refused = acme.wish(count=1, project="research").expect(409)
    assert refused.code == "quota_exceeded" and refused.body["binding"]["project"] == "research"
    acme.wish(count=2, project="training").expect(201)
    assert acme.wish(count=1, project="training").expect(409).body["binding"]["project"] is None
    moved = acme.wish(at(5), at(6), project="training").expect(201).body
    answer = acme.client.patch(f"/v1/reservations/{moved['id']}", {"project": "research"})
    assert answer.expect(409).code == "project_has_quota"
    acme.client.patch(f"/v1/reservations/{moved['id']}", {"project": "other"}).expect(200)


def test_of_several_models_only_those_are_taken_whose_quota_allows(stack, acme):
    stack.node("a1", gpu_model="A100")
    stack.node("a2", gpu_model="A100")
    shape = {"instance_type": None, "shape": {"gpus": 8, "gpu_models": ["H100", "A100"], "cpu_milli": 1000, "memory_mib": 1000}}
    acme.limit(gpu_model="H100", peak_gpu_milli=8000)
    acme.wish(count=1, **shape).expect(201)
    acme.wish(count=2, **shape).expect(201)
    rows = stack.sql("SELECT n.gpu_model, count(*)::int AS n FROM allocation a JOIN node n ON n.id = a.node_id"
                     " WHERE a.kind = 'instance' GROUP BY 1 ORDER BY 1")
    assert {row["gpu_model"]: row["n"] for row in rows} == {"A100": 2, "H100": 1}
    refused = acme.wish(count=1, **shape).expect(409)  # A100 is full, H100 is not allowed
    assert refused.code in ("capacity_unavailable", "quota_exceeded")


def test_the_next_window_is_one_that_the_quota_allows(acme):
    acme.limit(peak_gpu_milli=8000)
    acme.wish(at(2), at(4)).expect(201)
    moved = acme.wish(at(3), at(4), if_unavailable="next_window").expect(201).body
    assert moved["status"]["starts_at"] == at(4) and moved["status"]["ends_at"] == at(5)


def test_quotes_and_amendments_count(acme):
    acme.limit(peak_gpu_milli=16000)
    quote = acme.client.post("/v1/quotes", {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": at(2), "ends_at": at(3)})
    quote = quote.expect(201).body
    made = acme.wish(count=1).expect(201).body
    assert acme.wish(count=1).expect(409).code == "quota_exceeded"
    refused = acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 2}).expect(409)
    assert refused.code == "quota_exceeded" and refused.body["binding"]["asked"] == 16
    acme.client.delete(f"/v1/quotes/{quote['id']}").expect(204)
    eventually(lambda: acme.held()[0]["held_peak_gpu_milli"] == 8000, "the quote is given back")
    acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 2}).expect(200)
    preview = f"/v1/reservations/{made['id']}/amendments?validate_only=true"
    assert acme.client.post(preview, {"count": 3}).expect(409).code == "quota_exceeded"
    acme.stack.advance(at(2, 12))
    assert acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 3}).expect(409).code == "quota_exceeded"
    assert acme.client.post(preview, {"count": 3}).expect(409).code == "quota_exceeded"
    acme.client.post(preview, {"ends_at": at(5)}).expect(200)
    acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 1, "ends_at": at(5)}).expect(200)
    acme.wish(at(3), at(4)).expect(201)
    assert acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 2}).expect(409).code == "quota_exceeded"
    acme.client.post(f"/v1/reservations/{made['id']}/cancel").expect(200)
    eventually(lambda: acme.held()[0]["held_gpu_milli"] == 0, "what was cancelled is held no more")


def test_what_has_no_end_counts_beyond_the_horizon_for_which_it_is_guaranteed(stack):
    """It goes on while nobody else is behind it: so its own tenant's later windows must fit beside it."""
    stack.fleet(nodes=4)
    acme = Tenant(stack, "acme", on_demand_horizon_s=86400)
    acme.limit(peak_gpu_milli=16000)
    acme.wish(at(10), at(11)).expect(201)
    refused = acme.wish(None, None, count=2).expect(409)
    assert refused.code == "quota_exceeded"
    assert (refused.body["binding"]["from"], refused.body["binding"]["held"], refused.body["binding"]["asked"]) == (at(10), 8, 16)
    (later,) = refused.body["alternatives"]
    assert (later["starts_at"], later.get("ends_at")) == (at(11), None)
    acme.wish(None, None, count=1).expect(201)
    assert acme.held()[0]["held_peak_gpu_milli"] == 16000


def test_a_lower_quota_takes_nothing_away(acme):
    acme.limit(peak_gpu_milli=32000)
    made = acme.wish(at(1), at(4), count=3).expect(201).body
    limited = acme.limit(peak_gpu_milli=8000)
    assert limited["id"] == acme.held()[0]["id"]
    acme.stack.advance(at(1, 6))
    assert acme.client.get(f"/v1/reservations/{made['id']}").body["status"]["delivered_count"] == 3
    assert acme.wish(at(5), at(6), count=2).expect(409).code == "quota_exceeded"
    assert acme.client.patch(f"/v1/reservations/{made['id']}", {"ends_at": at(5)}).expect(409).code == "quota_exceeded"
    acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 2}).expect(200)
    acme.client.patch(f"/v1/reservations/{made['id']}", {"ends_at": at(3)}).expect(200)
    path = f"/v1/system/quotas/{limited['id']}"
    acme.stack.operator.delete(path).expect(204)
    acme.stack.operator.get(path).expect(404)
    eventually(lambda: acme.wish(at(6), at(7), count=4).status == 201, "the quota is lifted")
    assert acme.held() == [] and acme.stack.operator.items("/v1/system/quotas?tenant=acme") == []


def test_what_is_held_survives_the_leader(acme):
    acme.limit(peak_gpu_milli=32000, month_gpu_hours=10000)
    acme.limit(gpu_model="H100", peak_gpu_milli=32000)
    acme.client.create("/v1/projects", {"name": "research"})
    acme.limit(project="research", month_gpu_hours=5000)
    running = acme.wish(at(1), at(9), count=1, project="research").expect(201).body
    acme.wish(at(6), at(7), count=2).expect(201)
    acme.stack.advance(at(3))
    acme.client.patch(f"/v1/reservations/{running['id']}", {"count": 2}).expect(200)
    acme.stack.advance(at(3, 12))
    acme.client.patch(f"/v1/reservations/{running['id']}", {"count": 1}).expect(200)
    acme.stack.advance(at(3, 13))
    before = acme.held()
    assert before[0]["held_month_gpu_hours"] == 8 * 8 * 24 + 8 * 12 + 2 * 8 * 24
    acme.stack.provisioner.kill()
    acme.stack.provisioner.start()
    assert acme.held() == before


def test_a_quota_is_of_something_that_exists(acme):
    def post(client=acme.stack.operator, **fields):
        return client.post("/v1/system/quotas", {"tenant": "acme", "zone": "us-east-1a", **fields})
    assert post(tenant="nobody", peak_gpu_milli=1).expect(422).code == "unknown_tenant"
    assert post(zone="nowhere", peak_gpu_milli=1).expect(422).code == "unknown_zone"
    assert post(gpu_model="Z80", peak_gpu_milli=1).expect(422).code == "unknown_gpu_model"
    assert post(project="none", peak_gpu_milli=1).expect(422).code == "unknown_project"
    assert post().expect(422).code == "missing_field"
    post(acme.client, peak_gpu_milli=1).expect(403)
    made = post(peak_gpu_milli=1).expect(201)
    assert post(peak_gpu_milli=2).expect(409).code == "quota_exists"
    path = f"/v1/system/quotas/{made.body['id']}"
    whole = {name: made.body[name] for name in ("tenant", "zone", "project", "gpu_model", "peak_gpu_milli", "month_gpu_hours")}
    assert acme.stack.operator.request("PUT", path, whole).expect(428).code == "precondition_required"
    changed = acme.stack.operator.patch(path, {"peak_gpu_milli": None, "month_gpu_hours": 7}, headers={"If-Match": made.headers["ETag"]}).expect(200)
    assert (changed.body["peak_gpu_milli"], changed.body["month_gpu_hours"]) == (None, 7)
    acme.stack.operator.request("PUT", path, whole, headers={"If-Match": made.headers["ETag"]}).expect(412)
    assert acme.stack.operator.patch(path, {"month_gpu_hours": None}).expect(422).code == "missing_field"
    assert acme.stack.operator.patch(path, {"zone": "elsewhere"}).expect(422).code == "immutable_field"
