"""Which server a request reads from, as far as no server is needed to tell."""

import math
import threading
import time

import pytest
from django.db import OperationalError, transaction
from django.http import Http404, HttpResponse

from shiporskip import replicas
from shiporskip.replicas import PRIMARY, ReadFromReplicas, Router, Server, Servers
from tools.addresses import public
from tools.freshness import lasts
from tools.models import Tool
from tools.previews import unlisted
from tools.reading import bears_replicas


class Known(Server):
    """A server of which something is known: how far it lags; infinite is away, None unknown."""

    def __init__(self, alias, lag):
        super().__init__(alias)
        if lag is not None:
            self._note(lag)
        self._asked = math.inf  # nobody looks


def servers(*lags, primary=None):
    found = Servers([])
    found.replicas = [Known(f"replica{number + 1}", lag) for number, lag in enumerate(lags)]
    found.primary = Known(PRIMARY, primary)
    return found


AWAY = math.inf


@pytest.fixture(autouse=True)
def first_process(monkeypatch):
    monkeypatch.setattr(replicas.os, "getpid", lambda: 0)


@pytest.mark.parametrize(
    ("lags", "primary", "chosen"),
    [
        ([0, 0], 0, "replica1"),
        ([9, 0], 0, "replica2"),
        ([AWAY, 0], 0, "replica2"),
        ([9, AWAY], 0, PRIMARY),
        ([9, AWAY], None, PRIMARY),
        ([None, None], None, PRIMARY),
        ([99, 9], AWAY, "replica2"),
        ([AWAY, AWAY], AWAY, PRIMARY),
        ([], None, PRIMARY),
    ],
)
def test_the_best_server_is_chosen(lags, primary, chosen):
    assert servers(*lags, primary=primary).choose() == chosen


def test_processes_begin_with_different_replicas(monkeypatch):
    three = servers(0, 0, 0)
    chosen = []
    for pid in range(4):
        monkeypatch.setattr(replicas.os, "getpid", lambda pid=pid: pid)
        chosen.append(three.choose())
    assert chosen == ["replica1", "replica2", "replica3", "replica1"]


def test_one_server_after_the_other_is_tried_and_then_none():
    two, tried = servers(0, 9, primary=0), []
    while chosen := two.choose(without=tried):
        tried.append(chosen)
    assert tried == ["replica1", PRIMARY, "replica2"]


def test_what_was_seen_long_ago_counts_for_nothing(monkeypatch):
    one = servers(0)
    later = time.monotonic() + replicas.KNOWN_FOR + 1
    monkeypatch.setattr(replicas.time, "monotonic", lambda: later)
    assert one.choose() == PRIMARY


def test_a_server_is_looked_at_once_a_second_and_nobody_waits_for_it(monkeypatch):
    looks, answered = [], threading.Event()

    class Slow(Server):
        def _measured(self):
            looks.append(self)
            answered.wait()
            return 0

    slow = Slow("replica1")
    for _ in range(100):
        assert slow.lag == AWAY  # while the look lasts
    answered.set()
    with slow._looking:
        assert slow._lag == 0
    monkeypatch.setattr(replicas, "PAUSE", math.inf)
    assert slow.lag == 0
    assert len(looks) == 1


def test_a_look_that_fails_says_that_the_server_is_away():
    class Broken(Server):
        def _measured(self):
            raise OperationalError("nobody is there")

    broken = Broken("replica1")
    broken._note(0)
    broken._looking.acquire()
    broken._look()
    assert broken._lag == AWAY
    assert not broken._looking.locked()


@pytest.mark.django_db(transaction=True)
def test_reads_inside_a_transaction_and_after_a_write_stay_on_the_primary():
    router = Router()
    token = replicas._reading.set("replica1")
    try:
        assert router.db_for_read(Tool) == "replica1"
        with transaction.atomic():
            assert router.db_for_read(Tool) == PRIMARY
        assert router.db_for_read(Tool) == "replica1"
        assert router.db_for_write(Tool) == PRIMARY
        assert router.db_for_read(Tool) == PRIMARY
    finally:
        replicas._reading.reset(token)


def test_only_the_primary_is_migrated():
    assert Router().allow_migrate(PRIMARY, "tools")
    assert not Router().allow_migrate("replica1", "tools")


def view(request):
    return request


def test_public_pages_bear_replicas_and_what_is_shown_by_a_link_does_not():
    assert bears_replicas(public(view))
    assert not bears_replicas(view)
    assert not bears_replicas(public(unlisted(view)))
    assert not bears_replicas(unlisted(public(view)))


@pytest.mark.parametrize(
    ("method", "cookies", "may"),
    [
        ("get", {}, True),
        ("head", {"voter": "1"}, True),
        ("post", {}, False),
        ("get", {"fresh": "1"}, False),
        ("get", {"sessionid": "x"}, False),
    ],
)
def test_who_has_just_written_reads_from_the_primary(rf, method, cookies, may):
    request = getattr(rf, method)("/")
    request.COOKIES.update(cookies)
    assert replicas.may_read_from_replica(request) is may


GONE = OperationalError("gone")


class Asked:
    """A request's way through the middleware, with a view that fails on some servers."""

    def __init__(self, settings, monkeypatch, rf, failing, error=GONE):
        settings.REPLICAS = ["replica1"]
        self.asked = []
        monkeypatch.setattr(replicas, "servers", servers(0, primary=0))
        monkeypatch.setattr(
            replicas, "connections", {alias: Dead() for alias in (PRIMARY, "replica1")}
        )

        def shows(request):
            self.asked.append(replicas._reading.get())
            if self.asked[-1] in failing:
                raise error
            return HttpResponse("a page")

        shows = public(shows)
        request = rf.get("/")

        class Match:
            func, args, kwargs = staticmethod(shows), (), {}

        request.resolver_match = Match

        def get_response(request):
            middleware.process_view(request, shows, [], {})
            try:
                return shows(request)
            except Exception as raised:
                return middleware.process_exception(request, raised)

        middleware = ReadFromReplicas(get_response)
        self.answer = middleware(request)


class Dead:
    in_atomic_block = False

    def is_usable(self):
        return False

    def close(self):
        pass


def test_when_a_replica_fails_the_primary_is_asked(settings, monkeypatch, rf):
    asked = Asked(settings, monkeypatch, rf, failing={"replica1"})
    assert asked.answer.content == b"a page"
    assert asked.asked == ["replica1", PRIMARY]
    assert replicas.servers.replicas[0]._lag == AWAY
    assert replicas._reading.get() is None


def test_when_every_server_fails_others_answer_for_it(settings, monkeypatch, rf):
    asked = Asked(settings, monkeypatch, rf, failing={"replica1", PRIMARY})
    assert asked.answer is None
    assert asked.asked == ["replica1", PRIMARY]


def test_what_is_no_fault_of_a_server_is_not_tried_elsewhere(settings, monkeypatch, rf):
    asked = Asked(settings, monkeypatch, rf, failing={"replica1"}, error=Http404("no such tool"))
    assert asked.answer is None
    assert asked.asked == ["replica1"]


def test_the_cookie_of_writers_lasts_until_replicas_have_to_know(settings):
    settings.PAGE_MAX_AGE = 0
    assert lasts() == 0
    settings.REPLICAS, settings.DATABASE_REPLICA_LAG = ["replica1"], 2.5
    assert lasts() == 8
    settings.PAGE_MAX_AGE = 60
    assert lasts() == 60
