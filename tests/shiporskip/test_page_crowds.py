"""A page that has to be made: once for everybody who waits, and if it cannot be, the old one."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import OperationalError, connection
from django.test import Client

from shiporskip import page_cache
from tests import cast
from tests.shiporskip.kept import (
    KEY,
    PAGE,
    alpha,
    grow_older,
    look,
    page_cache_on,
    rename,
    renderings,
)
from tools.models import Tool
from tools.status import Status

__all__ = ["alpha", "page_cache_on", "renderings"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("page_cache_on")]


def crowd(size, ask):
    """Let so many readers ask at the same time, each in a thread of its own."""
    start = threading.Barrier(size)

    def read(_):
        start.wait(30)
        try:
            return ask(Client())
        finally:
            connection.close()

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(read, range(size)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("there_before", [True, False])
def test_a_crowd_before_one_expired_or_missing_page_has_it_rendered_once(
    client, renderings, there_before
):
    cast.alpha()
    client.get(PAGE if there_before else "/tools/")  # which looks at the version
    if there_before:
        grow_older(40)
    renderings.clear()
    answers = crowd(20, lambda reader: reader.get(PAGE))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.content for answer in answers}) == 1
    assert renderings == [PAGE]


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_page_that_cannot_be_kept(client):
    cast.alpha()
    began = time.monotonic()
    answers = crowd(8, lambda reader: reader.get("/tools/alpa/"))
    assert {answer.status_code for answer in answers} == {404}
    assert time.monotonic() - began < page_cache.PATIENCE


def test_whoever_waited_in_vain_makes_the_page_alone(client, alpha, monkeypatch):
    monkeypatch.setattr(page_cache, "PATIENCE", 0.05)
    flight, begins = page_cache.flights.join(KEY)
    assert begins
    try:
        assert client.get(PAGE).page_cache == "made"
    finally:
        page_cache.flights.land(KEY, flight, None)


def test_while_a_page_is_being_made_the_others_get_the_old_one(client, alpha):
    client.get(PAGE)
    rename()
    look()
    flight, _ = page_cache.flights.join(KEY)
    try:
        assert client.get(PAGE).page_cache == "old"
    finally:
        page_cache.flights.land(KEY, flight, None)
    assert client.get(PAGE).page_cache == "made"


@pytest.mark.parametrize("age", [40, 3600])
def test_others_wait_for_the_new_page_where_the_old_one_is_too_old(client, alpha, monkeypatch, age):
    monkeypatch.setattr(page_cache, "PATIENCE_WITH_YOUNG", 0.05)
    client.get(PAGE)
    old = grow_older(age)
    flight, _ = page_cache.flights.join(KEY)
    new = replace(old, mark="new")
    threading.Timer(0.3, page_cache.flights.land, (KEY, flight, new)).start()
    assert client.get(PAGE)["ETag"] == '"new"'


def test_an_old_page_stands_in_for_one_that_takes_too_long(client, alpha, monkeypatch):
    monkeypatch.setattr(page_cache, "PATIENCE", 0.05)
    page = client.get(PAGE)
    grow_older(3600)
    flight, _ = page_cache.flights.join(KEY)
    try:
        assert client.get(PAGE).content == page.content
    finally:
        page_cache.flights.land(KEY, flight, None)


def test_whoever_waited_for_a_page_that_is_gone_does_not_get_the_old_one(
    client, alpha, monkeypatch
):
    client.get(PAGE)
    grow_older(40)
    Tool.objects.update(status=Status.WITHDRAWN)
    flight = page_cache.Flight()
    flight.land(None)
    monkeypatch.setattr(page_cache.flights, "join", lambda key: (flight, False))
    assert client.get(PAGE).status_code == 404


def test_whoever_waited_for_a_page_that_failed_gets_the_old_one(client, alpha, monkeypatch):
    page = client.get(PAGE)
    grow_older(3600)
    landed = []
    monkeypatch.setattr(page_cache.Flight, "land", lambda flight, page: landed.append(page))
    monkeypatch.setattr("tools.views.Tool", None)
    client.raise_request_exception = False
    assert client.get(PAGE).page_cache == "old"
    [given] = landed
    assert given.body("identity") == page.content


# Trouble


def test_an_old_page_goes_on_where_a_new_one_cannot_be_made(client, alpha, monkeypatch):
    page = client.get(PAGE)
    grow_older(3600)
    client.raise_request_exception = False
    monkeypatch.setattr("tools.views.Tool", None)
    answer = client.get(PAGE)
    assert (answer.status_code, answer.page_cache) == (200, "old")
    assert answer.content == page.content
    grow_older(24 * 3600).rests_until = 0
    assert client.get(PAGE).status_code == 500


def test_a_page_that_could_not_be_made_is_not_tried_at_every_request(client, alpha, monkeypatch):
    tried = []

    class Broken:
        @property
        def objects(self):
            tried.append(1)
            raise OperationalError("away")

    client.get(PAGE)
    grow_older(40)
    client.raise_request_exception = False
    monkeypatch.setattr("tools.views.Tool", Broken())
    for _ in range(5):
        assert client.get(PAGE).page_cache == "old"
    assert len(tried) == 1
    monkeypatch.undo()


def test_a_database_that_is_away_leaves_what_is_known(monkeypatch):
    def away(database):
        raise OperationalError("away")

    watch = page_cache.VersionWatch()
    monkeypatch.setattr(page_cache, "content_version", away)
    assert watch.current() is None
    watch._known, watch._next_look = (1, 2, 2), 0
    assert watch.current() == (1, 2, 2)
