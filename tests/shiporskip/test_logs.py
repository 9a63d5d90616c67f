"""What the log says of requests and jobs, and what it must not say."""

import asyncio
import io
import json
import logging
import logging.config
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from shiporskip.logs import logging_settings, masked, request_id
from shiporskip.watching import watched_job
from tests import cast


@pytest.fixture
def log():
    """Returns a function that sets up logging and gives what is written."""
    kept = logging.root.handlers[:], logging.root.level

    def start(form="json", access=True):
        output = io.StringIO()
        settings = logging_settings("WARNING", form, access=access)
        settings["handlers"]["stderr"]["stream"] = output
        logging.config.dictConfig(settings)
        return output

    yield start
    logging.config.dictConfig(logging_settings("WARNING", "text", access=False))
    logging.root.handlers[:], logging.root.level = kept


def lines(output):
    return [json.loads(line) for line in output.getvalue().splitlines()]


@pytest.fixture
def reader(settings, db):
    """A client of a site that logs its requests."""
    from django.test import Client

    settings.ACCESS_LOG = True
    return Client(raise_request_exception=False)


def test_each_request_is_one_line_with_what_an_operator_needs_and_nothing_of_the_reader(
    reader, log
):
    cast.alpha()
    output = log()
    answer = reader.get("/tools/alpha/", headers={"user-agent": "Spy/1"}, REMOTE_ADDR="192.0.2.7")
    (line,) = lines(output)
    assert line.pop("time").startswith("20")
    assert line.pop("ms") > 0
    assert line.pop("message").startswith("GET tool 200, ")
    assert line == {
        "level": "INFO",
        "logger": "shiporskip.access",
        "request_id": answer["X-Request-ID"],
        "method": "GET",
        "route": "tool",
        "status": 200,
        "bytes": len(answer.content),
    }


def test_text_is_one_line_too(reader, log):
    output = log("text")
    answer = reader.get("/healthz")
    (line,) = output.getvalue().splitlines()
    assert f" INFO shiporskip.access {answer['X-Request-ID']}: GET healthz 200, " in line


def test_there_is_no_line_unless_it_is_wanted(settings, client, db, log):
    settings.ACCESS_LOG = False
    output = log(access=False)
    assert client.get("/healthz")["X-Request-ID"]
    assert not output.getvalue()


def test_a_personal_link_is_told_by_its_name_alone(reader, log, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("of /digest/leave/secret/ and ann@example.org")

    monkeypatch.setattr("comparisons.digest.views.subscriber_of", broken)
    output = log()
    assert reader.get("/digest/leave/secret/").status_code == 500
    assert reader.get("/digest/preferences/secret").status_code == 500
    assert "secret" not in output.getvalue()
    assert "ann@example.org" not in output.getvalue()
    faults = [line for line in lines(output) if line["level"] == "ERROR"]
    assert faults[0]["message"] == "Internal Server Error: digest-leave"
    assert "RuntimeError" in faults[0]["exc_info"]
    routes = [line["route"] for line in lines(output) if line["level"] == "INFO"]
    assert routes == ["digest-leave", "digest/preferences/<name:token>"]


def test_a_fault_has_the_id_of_its_request(reader, log, monkeypatch):
    monkeypatch.setattr("comparisons.views.Category", None)
    output = log()
    answer = reader.get("/")
    assert {line["request_id"] for line in lines(output)} == {answer["X-Request-ID"]}
    assert request_id.get() == "-"


@pytest.mark.parametrize("told", ["4bf92f3577b34da6", "a" * 64, "0af7651916cd43dd-8448.eb_2"])
def test_a_proxy_may_name_a_request(client, db, settings, told):
    settings.PROXY_COUNT = 1
    assert client.get("/healthz", headers={"x-request-id": told})["X-Request-ID"] == told


@pytest.mark.parametrize("told", ["", "short", "a" * 65, "with space", "<b>12345678", "é" * 10])
def test_a_name_that_is_none_is_replaced(client, db, settings, told):
    settings.PROXY_COUNT = 1
    answer = client.get("/healthz", headers={"x-request-id": told})
    assert answer["X-Request-ID"] != told
    assert len(answer["X-Request-ID"]) == 16


def test_without_a_proxy_nobody_may_name_a_request(client, db, settings):
    settings.PROXY_COUNT = 0
    answer = client.get("/healthz", headers={"x-request-id": "4bf92f3577b34da6"})
    assert answer["X-Request-ID"] != "4bf92f3577b34da6"


def test_a_job_has_an_id_in_each_of_its_lines(log):
    output = log()

    async def work():
        logging.getLogger("comparisons.digest.tasks").warning("Something")

    context = SimpleNamespace(job=SimpleNamespace(id=7, task_name="digest.look"))
    # In a thread of its own, because a browser test may have left an event loop in this one.
    with ThreadPoolExecutor() as threads:
        threads.submit(asyncio.run, watched_job(work, context, None)).result()
    assert lines(output)[0]["request_id"] == "job-7"
    assert request_id.get() == "-"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("to ann.b@example.org failed", "to a…@example.org failed"),
        ("GET /digest/confirm/eyJ.x:y/ now", "GET /digest/confirm/…/ now"),
        ("/preview/tools/abc:def", "/preview/tools/…"),
        ("postgres://site:secret@db.example.org/site", "postgres://…@db.example.org/site"),
        ("postgres://site:pa$$word@postgres:5432/site", "postgres://…@postgres:5432/site"),
        ("redis://:secret@valkey:6379/0", "redis://…@valkey:6379/0"),
        ("https://example.org/@ann", "https://example.org/@ann"),
        ("a @ b / c", "a @ b / c"),
    ],
)
def test_what_gives_people_or_rights_away_is_not_written(said, told):
    assert masked(said) == told


def test_a_visitor_can_neither_begin_a_line_nor_hide_one(log):
    output = log("text")
    logging.getLogger("anything").error("%s", "first\n2026-11-25 ERROR forged\r\u2028\x1b[2J")
    assert len(output.getvalue().splitlines()) == 1
    assert "\x1b" not in output.getvalue()


def test_a_line_stays_json_whatever_stands_before_an_address(log):
    output = log()
    logging.getLogger("anything").error("to \x1bann@example.org", extra={"of": ["bob@example.org"]})
    (line,) = lines(output)
    assert line["message"] == "to \x1ba…@example.org"
    assert line["of"] == ["b…@example.org"]


def test_a_503_is_not_told_again_by_django(log):
    output = log()
    logging.getLogger("django.request").error("Unavailable", extra={"status_code": 503})
    assert not output.getvalue()
