"""Lists of the command line as CSV: what the API gives, whole, under one head."""
# SPDX-License-Identifier: Apache-2.0

import csv
import io

import pytest

from command_line import whole


def page(rows, following=None):
    link = f'Link: </v1/zones?limit=9&page={following}>; rel="next"\r\n' if following else ""
    return whole(200, "".join(f"{row}\r\n" for row in ["name,note", *rows]).encode(), f"Content-Type: text/csv; charset=utf-8\r\n{link}Connection: close\r\n")


def test_pages_of_csv_become_one_up_to_the_limit(ask, server):
    server.script = [page(['z0,"two\r\nlines, ""quoted"""', "z1,"], "a%20b"), page(["z2,", "z3,"], "c"), page(["z4,"], "d")]
    done = ask("zone", "list", "--limit", "5", "-o", "csv").expect(0)
    rows = list(csv.reader(io.StringIO(done.out, newline="")))
    assert [row[0] for row in rows] == ["name", "z0", "z1", "z2", "z3", "z4"]
    assert [path for _, path, _, _ in server.seen] == ["/v1/zones?limit=5", "/v1/zones?limit=3&page=a%20b", "/v1/zones?limit=1&page=c"]
    assert all(headers["Accept"] == "text/csv" for _, _, headers, _ in server.seen) and "first 5" in done.log
    server.script = [page(["z0,"], "a"), page(["z1,"], "a")]
    ask("zone", "list", "-o", "csv").expect(1)  # a server that leads in a circle


@pytest.mark.parametrize("answer", [(200, {"items": []}), whole(204, b""), whole(200, b"", "Content-Type: text/csv\r\n"),
                                    whole(200, b"a\0b", "Content-Type: text/csv\r\n")])
def test_what_is_no_csv_is_an_error(ask, server, answer):
    server.script = [answer]
    assert "without CSV" in ask("zone", "list", "-o", "csv").expect(1).log


def test_a_refusal_of_csv_is_told_and_only_lists_give_it(ask, server):
    server.script = [(403, {"detail": "no"})]
    assert "no" in ask("node", "list", "-o", "csv").expect(3).log
    assert "lists do" in ask("me", "-o", "csv").expect(2).log


def test_lists_and_reports_of_a_whole_sluice_come_as_csv(stack, sluice):
    stack.fleet(3)

    def rows(*arguments):
        done = sluice(*arguments, "-o", "csv", url=stack.url, token=stack.operator.token).expect(0)
        return list(csv.DictReader(io.StringIO(done.out, newline="")))

    nodes = rows("node", "list")
    assert len(nodes) == 3 and {"id", "name", "status.state"} <= set(nodes[0])
    assert len(rows("node", "list", "--limit", "2")) == 2
    assert isinstance(rows("margin", "--by", "day", "--from", "2026-01-01", "--to", "2026-01-03"), list)
