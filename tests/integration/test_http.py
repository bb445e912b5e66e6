"""HTTP as its RFCs have it: what is accepted and refused, what caches, proxies and browsers are told, what a client may
call its request, and lists as CSV."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import csv
import http.client
import io
import json
import socket

import pytest

from stack import A_SECOND_S, ANSWER_WITHIN_S, HAPPENS_WITHIN_S, eventually
from streams import Streams, threads

REQUEST_ID = "build-7:deploy.3"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
ORIGIN = "https://console.example.com"
WISH = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "starts_at": "2026-01-03T00:00:00Z",
        "ends_at": "2026-01-03T01:00:00Z"}


@pytest.fixture(scope="module")
def shared(module_stack):
    module_stack.fleet(2)
    module_stack.acme = module_stack.tenant("acme")
    return module_stack


# ---- CSV ----


def table(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def flat(value, prefix=""):
    """What a cell has of a JSON object, by the column's name."""
    for name, each in value.items():
        if isinstance(each, dict) and each and name not in ("labels", "payload"):
            yield from flat(each, f"{prefix}{name}.")
        else:
            yield prefix + name, each


def test_a_list_as_csv_has_what_the_list_has(shared):
    eventually(lambda: {node["status"]["state"] for node in shared.operator.get("/v1/system/nodes").body["items"]} == {"ready"}, "the nodes are ready")
    as_csv = shared.operator.get("/v1/system/nodes", headers={"Accept": "text/csv"}).expect(200)
    assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert as_csv.headers["Content-Disposition"] == 'attachment; filename="nodes.csv"'
    assert as_csv.content.endswith(b"\r\n") and b"\r\n" in as_csv.content
    rows, items = table(as_csv), shared.operator.get("/v1/system/nodes").body["items"]
    assert len(rows) == len(items) == 2
    for row, item in zip(rows, items):
        for name, value in flat(item):
            expected = "" if value is None else value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            assert row[name] == expected, name


def test_pages_of_csv_are_linked(shared):
    first = shared.operator.get("/v1/system/nodes?zone=us-east-1a&limit=1", headers={"Accept": "text/csv"}).expect(200)
    target, relation = first.headers["Link"].split("; ")
    assert relation == 'rel="next"' and "zone=us-east-1a" in target and "limit=1" in target
    second = shared.operator.get(target.strip("<>"), headers={"Accept": "text/csv"}).expect(200)
    assert second.headers["Link"] is None
    assert {row["name"] for row in table(first) + table(second)} == {
        item["name"] for item in shared.operator.items("/v1/system/nodes")}


def test_an_empty_list_as_csv_is_its_head(shared):
    answer = shared.acme.get("/v1/quotes", headers={"Accept": "text/csv"}).expect(200)
    assert table(answer) == [] and answer.content.startswith(b"id,") and answer.content.count(b"\r\n") == 1


@pytest.mark.parametrize("text, cell", [
    ('=HYPERLINK("http://evil","x")', '\'=HYPERLINK("http://evil","x")'), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\uff1d1+1", "'\uff1d1+1"),
    ('a,"b"', 'a,"b"'), ("plain", "plain"), (" edge ", " edge ")])
def test_a_cell_is_no_formula_and_comes_back_whole(shared, text, cell):
    node = shared.operator.items("/v1/system/nodes")[0]
    shared.operator.create(f"/v1/system/nodes/{node['id']}/cordon", {"reason": text})
    rows = table(shared.operator.get("/v1/system/nodes", headers={"Accept": "text/csv"}))
    assert next(row for row in rows if row["id"] == node["id"])["cordon_reason"] == cell
    shared.operator.create(f"/v1/system/nodes/{node['id']}/uncordon", {})


@pytest.mark.parametrize("text", ["x;=1+1", "x|=1+1"])
def test_no_separator_begins_a_cell_within_one(shared, text):
    """As LibreOffice parts cells at the comma, the semicolon and what else is ticked at once."""
    node = shared.operator.items("/v1/system/nodes")[0]
    shared.operator.create(f"/v1/system/nodes/{node['id']}/cordon", {"reason": text})
    answer = shared.operator.get("/v1/system/nodes", headers={"Accept": "text/csv"}).expect(200)
    shared.operator.create(f"/v1/system/nodes/{node['id']}/uncordon", {})
    assert f',"{text}",' in answer.content.decode()


# ---- Forms ----


@pytest.mark.parametrize("accept, status, content_type", [
    (None, 200, "application/json"), ("*/*", 200, "application/json"), ("application/*", 200, "application/json"),
    ("text/*", 200, "text/csv"), ("text/csv", 200, "text/csv"), ("TEXT/CSV;q=0.5", 200, "text/csv"),
    ("text/csv;q=0.5, application/json;q=0.6", 200, "application/json"), ("text/csv, */*", 200, "text/csv"),
    ("application/json;q=0, */*", 200, "text/csv"), ("text/html, application/xhtml+xml, */*;q=0.8", 200, "application/json"),
    ("text/html", 406, "application/problem+json"), ("text/csv;q=0", 406, "application/problem+json"),
    ("application/json;q=0", 406, "application/problem+json"), ("nonsense", 406, "application/problem+json")])
def test_accept_chooses_the_form(shared, accept, status, content_type):
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=ANSWER_WITHIN_S)
    head = {"Authorization": f"Bearer {shared.operator.token}", **({"Accept": accept} if accept else {})}
    connection.request("GET", "/v1/zones", headers=head)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (status, content_type)


def test_one_object_is_no_csv(shared):
    assert shared.acme.get("/v1/me", headers={"Accept": "text/csv"}).expect(406).code == "not_acceptable"


@pytest.mark.parametrize("head", [
    {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain"}, {"Content-Type": "application/jsonx"},
    {"Content-Type": "application/merge-patch+json"}, {"Content-Encoding": "gzip"},
    {"Content-Type": "application/json; charset=utf-16"}, {"Content-Type": 'application/json;charset="ISO-8859-1"'}])
def test_a_body_of_another_type_is_refused(shared, head):
    assert shared.acme.post("/v1/reservations", WISH, headers=head).expect(415).code == "unsupported_media_type"


def test_json_is_read_with_parameters_and_patches_as_merge_patch(shared):
    shared.acme.post("/v1/reservations", dict(WISH, count=9), headers={"Content-Type": "Application/JSON; charset=utf-8"}).expect(409)
    for charset in ("UTF-8", '"utf-8"', "us-ascii"):
        shared.acme.post("/v1/reservations", dict(WISH, count=9), headers={"Content-Type": f"application/json; Charset={charset}"}).expect(409)
    zone = shared.operator.items("/v1/system/zones")[0]
    shared.operator.patch(f"/v1/system/zones/{zone['id']}", {"sim_seed": 1},
                          headers={"Content-Type": "application/merge-patch+json"}).expect(200)


# ---- Methods ----


def test_head_is_get_without_its_body(shared):
    got, head = shared.acme.get("/v1/me"), shared.acme.request("HEAD", "/v1/me")
    assert (head.status, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Cache-Control", "Vary"):
        assert head.headers[name] == got.headers[name], name
    assert shared.acme.request("HEAD", "/v1/reservations/rsv_nonsense").status == 404
    assert shared.acme.request("HEAD", "/v1/events", headers={"Accept": "text/event-stream"}).status == 200


def test_nothing_follows_the_head_of_a_stream(shared):
    """Not even the end of a body: the next answer on the connection would begin with it."""
    head = f"HEAD /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.acme.token}\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shared.port)) as connection:
        connection.sendall(head.encode())
        with connection.makefile("rb") as answer:
            assert answer.read().partition(b"\r\n\r\n")[2] == b""


def test_options_tells_the_methods_to_anybody(shared):
    answer = shared.client().request("OPTIONS", "/v1/reservations").expect(204)
    assert sorted(answer.headers["Allow"].split(", ")) == ["GET", "HEAD", "OPTIONS", "POST"]
    assert shared.client().request("OPTIONS", "*").expect(204).headers["Allow"].startswith("GET, HEAD, POST, PUT")
    assert shared.client().request("OPTIONS", "/v1/nothing").status == 404
    for method in ("PUT", "TRACE", "PROPFIND"):
        refused = shared.acme.request(method, "/v1/reservations").expect(405)
        assert refused.headers["Allow"] == answer.headers["Allow"]


# ---- Other origins ----


def preflight(client, origin):
    return client.request("OPTIONS", "/v1/reservations", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})


def test_no_other_origin_is_let_in_unless_said(shared):
    for answer in (preflight(shared.client(), ORIGIN), shared.acme.get("/v1/me", headers={"Origin": ORIGIN})):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_an_origin_that_is_said_is_let_in_and_no_other(make_stack):
    stack = make_stack(settings={"sluice-api": {"SLUICE_CORS_ORIGINS": f"https://other.example.com, {ORIGIN}"}})
    answer = preflight(stack.client(), ORIGIN).expect(204)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    got = stack.operator.get("/v1/me", headers={"Origin": ORIGIN}).expect(200)
    assert got.headers["Access-Control-Allow-Origin"] == ORIGIN and "Origin" in got.headers["Vary"]
    assert got.headers["Access-Control-Allow-Credentials"] is None
    for origin in ("https://evil.example.com", ORIGIN + ".evil.com", ORIGIN[:-1], "null", "*"):
        for answer in (preflight(stack.client(), origin), stack.operator.get("/v1/me", headers={"Origin": origin})):
            assert answer.headers["Access-Control-Allow-Origin"] is None, origin


# ---- Caches, browsers, traces ----


def test_every_answer_says_who_may_keep_it_and_what_it_may_do(shared):
    made = shared.acme.create("/v1/reservations", dict(WISH, name="kept"))
    cases = [("/v1/me", "private, no-store"), ("/v1/reservations", "private, no-store"), ("/v1/nothing", "private, no-store"),
             (f"/v1/reservations/{made['id']}", "private, no-cache"), ("/openapi.json", "public, max-age=300"),
             ("/docs/errors", "public, max-age=300")]
    for path, cache in cases:
        answer = shared.acme.get(path, headers={"Accept": "*/*"})
        assert answer.headers["Cache-Control"] == cache, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
        assert {"Accept", "Authorization"} <= set(answer.headers["Vary"].split(", "))
        assert answer.headers["Request-Id"].startswith("req_")


def test_a_client_may_name_its_request_but_not_write_into_the_log(shared):
    named = shared.acme.get("/v1/nothing", headers={"Request-Id": REQUEST_ID}).expect(404)
    assert named.headers["Request-Id"] == named.body["request_id"] == REQUEST_ID
    assert shared.acme.get("/v1/me", headers={"Request-Id": "x" * 64}).headers["Request-Id"] == "x" * 64
    for bad in ("", "two words", 'quote"', "x" * 65, "caf\u00e9"):
        assert shared.acme.get("/v1/me", headers={"Request-Id": bad.encode("latin-1")}).headers["Request-Id"].startswith("req_"), bad


def test_white_space_behind_a_headers_value_is_no_part_of_it(shared):
    head = f"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.acme.token} \t \r\nRequest-Id: {REQUEST_ID} \r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=ANSWER_WITHIN_S) as connection:
        connection.sendall(f"{head}Prefer: handling=strict \t\r\nPrefer: wait=1 \r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers["Request-Id"]) == (200, REQUEST_ID)


def test_the_audit_has_the_clients_name_of_the_request(shared):
    shared.acme.post("/v1/reservations", dict(WISH, name="audited"), headers={"Request-Id": REQUEST_ID}).expect(201)
    assert shared.sql("SELECT count(*) AS n FROM audit WHERE request_id = %s", (REQUEST_ID,))[0]["n"] == 1


def test_a_trace_goes_on_in_answers_and_log(make_stack):
    stack = make_stack(settings={"sluice-api": {"SLUICE_LOG_LEVEL": "debug"}})
    answer = stack.operator.get("/v1/me", headers={"traceparent": TRACEPARENT}).expect(200)
    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01") and span not in (TRACEPARENT.split("-")[2], "0" * 16)
    assert TRACE in stack.api.log.read_text()
    for bad in (f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{TRACE}-00f067aa0ba902b7-01", TRACEPARENT.upper(), TRACEPARENT[:-1],
                TRACEPARENT + "-more", "nonsense"):
        assert stack.operator.get("/v1/me", headers={"traceparent": bad}).expect(200).headers["traceparent"] is None, bad


# ---- The document ----


def test_the_document_is_served_in_both_versions_and_known_again(shared):
    for path, version in (("/openapi.json", "3.1.0"), ("/openapi-3.0.json", "3.0.3")):
        answer = shared.client().get(path).expect(200)
        assert answer.body["openapi"] == version
        again = shared.client().get(path, headers={"If-None-Match": answer.headers["ETag"]}).expect(304)
        assert again.content == b"" and again.headers["ETag"] == answer.headers["ETag"]


def page(client, path):
    answer = client.get(path, headers={"Accept": "text/html"}).expect(200)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.content.decode(), answer.headers["Content-Security-Policy"]


def test_the_page_of_the_document_needs_nothing_from_elsewhere(make_stack, tmp_path):
    plain = make_stack(settings={"sluice-api": {"SLUICE_CONSOLE_DIR": ""}})
    text, policy = page(plain.client(), "/docs")
    assert "script" not in policy and "<script" not in text
    for path in plain.client().get("/openapi.json").body["paths"]:
        assert path in text, path
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/swagger-ui-bundle.js").write_text("")
    text, policy = page(make_stack(settings={"sluice-api": {"SLUICE_CONSOLE_DIR": str(tmp_path)}}).client(), "/docs")
    assert "/console/docs/swagger-ui-bundle.js" in text and "//" not in text and "<script>" not in text
    assert "script-src 'self'" in policy and "unsafe" not in policy


def test_a_browser_that_cannot_be_signed_in_reads_why(make_stack):
    """Whatever it asks for beside a page, or not, and where there is no console to lead it to."""
    plain = make_stack(settings={"sluice-api": {"SLUICE_CONSOLE_DIR": ""}})
    for path in ("/sign-in/start", "/sign-in/callback?state=x&code=y"):
        for accept in ("text/html", "text/html,application/xhtml+xml,application/xml;q=0.9"):
            answer = plain.client().get(path, headers={"Accept": accept}).expect(404)
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8" and "script" not in answer.headers["Content-Security-Policy"]
            assert "there is no identity provider: sign in with a token" in answer.content.decode()
            assert 'href="/docs/errors#not_found"' in answer.content.decode()
        assert plain.client().get(path).expect(404).code == "not_found"


def test_a_problem_leads_to_its_code_its_meaning_and_its_remedy(shared):
    problem = shared.acme.get("/v1/nothing").expect(404).body
    path, _, anchor = problem["type"].partition("#")
    text, policy = page(shared.client(), path)
    assert anchor == problem["code"] and f'<tr id="{anchor}">' in text and "Check the address and the id" in text
    assert "script" not in policy and "'unsafe-inline'" not in policy
    for path, headers, code, title in (
            ("/v1/projects", {"Accept": "image/png"}, "not_acceptable", "The answer cannot be given in the form that Accept asks for"),
            ("/v1/me?" + "x" * 8300, {}, "uri_too_long", "The address is longer than 8 KiB, or has more than 200 parameters")):
        problem = shared.acme.get(path, headers=headers).body
        assert (problem["code"], problem["title"]) == (code, title), "a title is of its type"


def test_a_header_that_is_a_list_may_come_in_several_lines(shared):
    made = shared.acme.create("/v1/projects", {"name": "several-lines"})

    def get(path, *lines):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", shared.port, timeout=20)) as connection:
            connection.putrequest("GET", path)
            for name, value in (("Authorization", f"Bearer {shared.acme.token}"), *lines):
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse()

    csv = get("/v1/projects", ("Accept", "image/png"), ("Accept", "text/csv"))
    assert (csv.status, csv.headers.get_content_type()) == (200, "text/csv")
    waits = get(f"/v1/projects/{made['id']}", ("Prefer", "handling=lenient"), ("Prefer", "wait=1"))
    assert (waits.status, waits.headers["Preference-Applied"]) == (200, "wait=1")


# ---- Event streams ----


def test_a_thousand_streams_have_no_thread_each_and_all_are_told(shared):
    before = threads(shared.api.process.pid)
    with Streams(shared.port, shared.operator.token, 1000) as streams:
        assert streams.until_all_say(b"HTTP/1.1 200 OK", HAPPENS_WITHIN_S) is not None, "all are served"
        made = shared.acme.create("/v1/reservations", dict(WISH, if_unavailable="waitlist"))["id"].encode()
        assert streams.until_all_say(made, HAPPENS_WITHIN_S) is not None, "all are told of what was made"
        assert threads(shared.api.process.pid) == before
        assert shared.acme.get("/v1/me").status == 200, "and others are served beside them"


# ---- Limits ----


def deep(levels):
    return b'{"labels":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize("broken", ["%zz", "%", "%4", "a%00b", "%00"])
def test_a_query_is_read_as_it_was_sent_or_not_at_all(shared, broken):
    refused = shared.acme.get(f"/v1/zones?name={broken}").expect(422)
    assert "?" in [error["pointer"] for error in refused.body["errors"]]
    shared.acme.get("/v1/zones?name=%25zz").expect(200)


def test_the_caps_on_size_and_depth(shared):
    def post(body):
        return shared.acme.post("/v1/reservations", body)

    mebibyte = 1 << 20
    assert post(b'{"name":"' + b"x" * (mebibyte - 11) + b'"}').status == 422, "exactly 1 MiB is read"
    assert post(b'{"name":"' + b"x" * (mebibyte - 10) + b'"}').expect(413).code == "body_too_large"
    assert post(deep(32)).status == 422, "32 levels are read"
    assert post(deep(33)).expect(400).code == "too_deep"
    assert shared.acme.get("/v1/me?x=" + "y" * 8000).status == 422, "an address of less than 8 KiB is read"
    assert shared.acme.get("/v1/me?x=" + "y" * 8200).expect(414).code == "uri_too_long"
    assert shared.acme.get("/v1/me?" + "&".join(["x=1"] * 200)).status == 422, "200 parameters are read"
    for count in (201, 420, 500, 2000, 8000):
        query = "x=1" if count <= 2000 else ""
        refused = shared.acme.get("/v1/me?" + "&".join([query] * count), timeout=A_SECOND_S).expect(414)
        assert refused.code == "uri_too_long" and "parameters" in refused.body["detail"]
    many = {f"X-Header-{i}": "x" for i in range(101)}
    assert shared.acme.get("/v1/me", headers=many).expect(431).code == "headers_too_large"


@pytest.mark.parametrize("status, head", [(431, b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 40000),
                                          (414, b"GET /v1/me?x=" + b"y" * 40000 + b" HTTP/1.1\r\nHost: x")])
def test_a_head_beyond_what_a_connection_holds_is_refused_and_the_connection_closed(shared, status, head):
    """By the HTTP library, before the API sees any of it: so without a problem document."""
    with socket.create_connection(("127.0.0.1", shared.port), timeout=ANSWER_WITHIN_S) as connection:
        connection.sendall(head + b"\r\n\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 %d " % status)


def test_an_address_that_stands_for_itself_is_no_object_of_a_list(shared):
    refused = shared.operator.get("/v1/system/sessions/revoke").expect(405)
    assert refused.headers["Allow"] == "POST, OPTIONS"


def test_what_is_wrong_with_a_document_is_said_in_words_of_the_api(shared):
    said = {body: shared.acme.post("/v1/reservations", body).expect(400).body["detail"]
            for body in (b'{"name":"a\\u0000b"}', b'{"a":1,"a":2}', b'{"a":1', b"{} {}", b'{"a":"\xff"}', b'{"a":1e999}', b"nothing")}
    for value in (b"null", b"5", b'"text"', b"[]"):  # JSON, and no object
        assert shared.acme.post("/v1/reservations", value).expect(422).body["errors"][0]["pointer"] == ""
    assert said[b'{"a":1,"a":2}'] == "line 1, column 10: a member stands twice"
    assert said[b'{"name":"a\\u0000b"}'].endswith("a text has a zero character")
    assert not [detail for detail in said.values() if "JSON_" in detail or "near" in detail], said
