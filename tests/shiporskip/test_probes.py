"""What operators and their machines ask: whether we live, whether we can answer, what is wrong."""

import json
import logging
from types import SimpleNamespace

import pytest
from django.db import InterfaceError, OperationalError, connection

from shiporskip import away, readiness

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy machine is no answer that failed to come."""
    monkeypatch.setattr(readiness, "TIMEOUT", 60)


def broken(state=None, kind=OperationalError):
    """An error as Django raises it, from one of psycopg's with this SQLSTATE."""
    error = kind("it is gone")
    error.__cause__ = type("FromPsycopg", (Exception,), {"sqlstate": state})()
    return error


@pytest.fixture
def breaks(monkeypatch):
    """Makes the front page and a tool's data meet an error."""

    def make(error):
        def ask(*arguments, **named):
            raise error

        model = SimpleNamespace(objects=SimpleNamespace(published=ask))
        monkeypatch.setattr("comparisons.views.Comparison", model)
        monkeypatch.setattr("comparisons.machines._named", ask)

    return make


def test_readyz_is_ok_when_the_database_has_all_migrations(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


def test_readyz_is_not_ok_while_migrations_are_missing(client, monkeypatch):
    monkeypatch.setattr(readiness, "_newest", lambda: {("tools", "9999_to_come")})
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"migrations are missing\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db(transaction=True)
def test_readyz_is_not_ok_with_an_empty_database(client):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO elsewhere")
    try:
        assert client.get("/readyz").content == b"migrations are missing\n"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO django_migrations")


def test_probes_are_not_sent_to_https(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/").status_code == 301


def test_a_page_without_its_database_says_so_in_the_form_that_was_asked_for(client, breaks):
    breaks(broken())
    page = client.get("/", headers={"accept": "text/html"})
    assert page.status_code == 503
    assert page["Retry-After"] == str(away.RETRY_AFTER)
    assert page["Cache-Control"] == "no-store"
    assert b"<h1>Back in a moment</h1>" in page.content
    data = client.get("/tools/alpha.json")
    assert data.status_code == 503
    assert json.loads(data.content) == {"error": away.SENTENCE}
    text = client.get("/tools/alpha.md")
    assert text.status_code == 503
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    assert text["Retry-After"]
    script = client.get("/", headers={"accept": "application/json"})
    assert json.loads(script.content) == {"error": away.SENTENCE}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (broken("57P01"), 503),
        (broken("53300"), 503),
        (broken(None, InterfaceError), 503),
        (broken("40P01"), 503),  # a deadlock: the next try may pass
        (broken("42703", type("ProgrammingError", (Exception,), {})), 500),
    ],
)
def test_only_what_the_database_cannot_do_for_now_is_a_503(client, breaks, error, status):
    client.raise_request_exception = False
    breaks(error)
    assert client.get("/").status_code == status


def test_a_fault_of_the_middleware_that_comes_from_the_database_is_a_503(client, monkeypatch):
    def save(*arguments):
        raise broken()

    client.raise_request_exception = False
    monkeypatch.setattr(
        "django.contrib.sessions.middleware.SessionMiddleware.process_response", save
    )
    assert client.get("/").status_code == 503


def test_a_database_that_is_away_is_told_now_and_then_and_not_for_each_reader(
    client, breaks, caplog, monkeypatch
):
    monkeypatch.setattr(away, "_told_at", -away.TOLD_EVERY)
    breaks(broken())
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            client.get("/")
    told = [record for record in caplog.records if record.name == "shiporskip.away"]
    assert len(told) == 1


def test_the_503_runs_no_query(client, breaks, django_assert_num_queries):
    breaks(broken())
    with django_assert_num_queries(0):
        assert client.get("/").status_code == 503
