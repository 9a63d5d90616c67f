"""Browsers report what the policy stopped; the log gets little of it, and nothing personal."""

import json
import logging

import pytest

from shiporskip import csp_reports
from shiporskip.csp_reports import ONE, PER_MINUTE, SEVERAL, Allowance

ADDRESS = "/csp-reports/"
INLINE = {
    "document-uri": "https://example.org/digest/leave/s3cret-token/?who=reader@example.org",
    "referrer": "https://example.org/preview/tools/s3cret/",
    "effective-directive": "script-src-elem",
    "violated-directive": "script-src-elem",
    "original-policy": "default-src 'none'",
    "blocked-uri": "inline",
    "source-file": "https://example.org/static/js/sign-up.js",
    "line-number": 12,
    "script-sample": "alert('s3cret')",
}


@pytest.fixture(autouse=True)
def plenty(monkeypatch):
    monkeypatch.setattr(csp_reports, "_allowance", Allowance(PER_MINUTE))


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.WARNING, "shiporskip.csp_reports")
    return lambda: [record.getMessage() for record in caplog.records]


def report(client, body=INLINE, kind=ONE):
    if kind == ONE and isinstance(body, dict):
        body = {"csp-report": body}
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(ADDRESS, content, content_type=kind)


def test_a_report_is_one_line_without_addresses_or_tokens(client, told):
    answer = report(client)
    assert (answer.status_code, answer.content) == (204, b"")
    assert told() == [
        "The policy's script-src-elem stopped inline on digest-leave,"
        " by line 12 of /static/js/sign-up.js."
    ]


def test_the_newer_kind_of_report_says_the_same(client, told):
    body = {
        "documentURL": "https://example.org/tools/alpha/",
        "effectiveDirective": "img-src",
        "blockedURL": "https://Tracker.example/pixel.gif?who=reader@example.org",
        "sourceFile": "https://example.org/tools/alpha/",
        "lineNumber": 3,
        "disposition": "enforce",
    }
    sent = [
        {"type": "csp-violation", "age": 10, "url": body["documentURL"], "body": body},
        {"type": "deprecation", "body": {"id": "x"}},
    ]
    assert report(client, sent, SEVERAL).status_code == 204
    assert told() == ["The policy's img-src stopped tracker.example on tool."]


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"blocked-uri": "chrome-extension://abc/x.js"}, None),
        ({"source-file": "moz-extension://abc/x.js"}, None),
        ({"effective-directive": "<script>", "violated-directive": ""}, None),
        ({"effective-directive": "x" * 5000}, None),
        ({"effective-directive": ["img-src"], "violated-directive": "img-src 'self'"}, None),
        ({"blocked-uri": "https://203.0.113.9/x"}, "stopped a numeric address on"),
        ({"blocked-uri": "https://[2001:db8::1]/x"}, "stopped something odd on"),
        ({"blocked-uri": "javascript:alert(1)"}, "stopped something odd on"),
        ({"blocked-uri": "https://a\nb/"}, "stopped"),
        ({"blocked-uri": "https://[::"}, "stopped something odd on"),
        ({"document-uri": "https://example.org/nope/s3cret"}, "on no page of ours"),
        ({"document-uri": "https://[::"}, "on no page of ours"),
        ({"source-file": "https://example.org/static/\n2026 ERROR"}, "on digest-leave."),
        ({"line-number": "12\nERROR"}, "on digest-leave."),
    ],
)
def test_whatever_a_report_says_the_log_stays_harmless(client, told, facts, line):
    assert report(client, INLINE | facts).status_code == 204
    lines = told()
    assert len(lines) <= 1
    if line is None:
        assert lines == []
    elif lines:
        assert line in lines[0]
    for told_line in lines:
        assert len(told_line) < 400
        assert "\n" not in told_line
        for secret in ("s3cret", "reader@", "203.0.113.9", "2001:db8"):
            assert secret not in told_line


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", ONE, 400),
        (b"\xff\xfe", ONE, 400),
        ("[" * 5000, SEVERAL, 400),
        (" ", ONE, 400),
        ("null", ONE, 204),
        ("[1, null, {}, {\"type\": \"csp-violation\"}]", SEVERAL, 204),
        ("{\"csp-report\": []}", ONE, 204),
        ("{}", "application/json", 415),
        ("x=1", "application/x-www-form-urlencoded", 415),
        (" " * (csp_reports.MOST_BYTES + 1), ONE, 413),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_and_not_written_down(client, told, body, kind, status):
    assert report(client, body, kind).status_code == status
    assert told() == []


def test_a_flood_of_reports_fills_no_log(client, told):
    for _ in range(PER_MINUTE + 20):
        assert report(client).status_code == 204
    assert len(told()) == PER_MINUTE
    several = [{"type": "csp-violation", "body": {}} for _ in range(3)]
    assert report(client, several, SEVERAL).status_code == 204


def test_a_minute_later_there_is_room_again(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(csp_reports.time, "monotonic", lambda: clock[0])
    two = Allowance(2)
    assert [two.take() for _ in range(3)] == [True, True, False]
    clock[0] += 61
    assert [two.take() for _ in range(3)] == [True, True, False]


def test_every_page_says_where_reports_go(client, db):
    answer = client.get("/methodology/")
    policy = answer["Content-Security-Policy"]
    assert "report-uri /csp-reports/" in policy
    assert "report-to csp" in policy
    assert answer["Reporting-Endpoints"] == 'csp="/csp-reports/"'


def test_reports_can_be_turned_off():
    from tests.shiporskip.test_settings import COMPLETE, start

    code = (
        "import django; django.setup(); from django.test import Client; from django.urls import "
        "get_resolver; print('report' in str(Client(headers={'host': 'localhost'})"
        ".get('/healthz').headers).lower(), 'csp-reports' in get_resolver().reverse_dict)"
    )
    off = {"SITE_URL": "http://localhost", "CSP_REPORTS": "false"}
    run = start(code, **COMPLETE | off)
    assert run.stdout.strip() == "False False", run.stderr
