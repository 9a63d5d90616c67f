"""Sixty clients at once, each with a connection of its own to a real Postgres."""

import fcntl
import http.client
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Barrier
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import close_old_connections, connection

from reviews import screening
from reviews.scorecards import Verdict
from reviews.tallying import differences
from reviews.votes import Standing, Tally, Vote
from reviews.voting import cast_vote
from tests.cast import make_tool

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 60
VOTES = 10_020
WISHES = [Verdict.SHIP, Verdict.SHIP, Verdict.SKIP, None]


#: A client that cannot connect ends the others' waiting for it after so many seconds.
PATIENCE = 60


@pytest.fixture(autouse=True)
def _one_crowd_at_a_time():
    """Keep test processes that run side by side from opening more connections than Postgres has."""
    with (Path(tempfile.gettempdir()) / "shiporskip-crowd.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def at_once(clients, work):
    """Let each client do its work in a thread of its own, all starting together."""
    start = Barrier(clients)

    def run(client):
        close_old_connections()
        try:
            with connection.cursor() as cursor:  # connected before the start
                cursor.execute("SET synchronous_commit TO off")  # the disk is not what is tested
            start.wait(PATIENCE)
            return work(client)
        finally:
            connection.close()

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, range(clients)))


def test_ten_thousand_votes_of_sixty_clients_add_up(monkeypatch):
    # Ten thousand at once are a burst; without that rule a part is counted and a part waits.
    monkeypatch.setattr(screening, "BURST_WINDOW", timedelta(0))
    tools = [make_tool(f"tool-{number}") for number in range(12)]

    def work(client):
        dice = Random(client)
        done = Counter()
        for _ in range(VOTES // CLIENTS):
            # Half of the voters have several browsers open; the others are this client's alone.
            ours = dice.random() < 0.5
            voter = 1000 * (client + 1) + dice.randrange(3) if ours else dice.randrange(40)
            cast = cast_vote(
                dice.choice(tools).pk,
                UUID(int=voter),
                dice.choice(WISHES),
                address=(voter % 300).to_bytes(16),
                without_cookie=dice.random() < 0.2,
            )
            done[cast.change] += 1
        return done

    done = sum(at_once(CLIENTS, work), Counter())
    assert done.total() == VOTES
    assert min(done[change] for change in ("cast", "changed", "retracted", "unchanged")) > 100
    assert not list(differences())
    assert Vote.objects.count() == done["cast"] - done["retracted"]
    for standing in (Standing.COUNTED, Standing.QUARANTINED):
        assert Vote.objects.filter(standing=standing).count() > 100


def test_votes_sweeping_and_mending_do_not_get_into_each_others_way():
    tools = [make_tool(f"tool-{number}") for number in range(4)]

    def work(client):
        if client == 0:
            for _ in range(5):
                call_command("sweep_votes", verbosity=0)
                call_command("check_tallies", mend=True)
            return
        for number in range(40):
            cast_vote(
                tools[number % 4].pk, UUID(int=client * 7 % 20), WISHES[number % 4], address=b"home"
            )

    at_once(10, work)
    assert not list(differences())


def test_the_first_votes_on_a_tool_make_one_tally():
    tool = make_tool("delta")
    at_once(30, lambda client: cast_vote(tool.pk, UUID(int=client), Verdict.SHIP))
    assert Tally.objects.get().ships == 30


def test_a_double_click_is_one_vote():
    tool = make_tool("delta")
    done = at_once(20, lambda _: cast_vote(tool.pk, UUID(int=1), Verdict.SHIP).change)
    assert Counter(done) == {"cast": 1, "unchanged": 19}


def test_sixty_browsers_vote_over_http(live_server):
    make_tool("delta")
    host = live_server.url.removeprefix("http://")

    def work(client):
        server = http.client.HTTPConnection(host, timeout=60)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        answers = []
        for choice in ("ship", "skip", "skip", "retract", "skip"):
            server.request("POST", "/tools/delta/vote/", f"choice={choice}", headers)
            answer = server.getresponse()
            answer.read()
            answers.append(answer.status)
            if cookie := answer.getheader("Set-Cookie"):
                headers["Cookie"] = cookie.split(";")[0]
        server.close()
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = Counter(status for each in pool.map(work, range(CLIENTS)) for status in each)
    assert answers == {303: 5 * CLIENTS}
    assert Vote.objects.count() == CLIENTS
    assert not list(differences())
