"""Real workers that are lost in the middle of an edition, together with whatever else may happen.

The judge is the mail server's own log: nobody twice, nobody missed, and of how many it is unknown.
"""

import contextlib
import signal
import subprocess
import sys
import time
from functools import partial
from random import Random

import psutil
import psycopg
import pytest
from django.db import connection

from comparisons.digest import editions, lanes
from comparisons.digest.lanes import Lane
from comparisons.digest.models import Delivery, Edition
from comparisons.digest.tasks import look
from shiporskip.embedded.home import Home
from shiporskip.embedded.server import ensure_running
from tests.digest.proof import (
    ROOT,
    Nursery,
    RealWorker,
    Verdict,
    make_edition,
    make_subscribers,
    worker_environment,
)
from tests.digest.sink import Rule

#: Seconds, for a busy machine.
PATIENCE = 60
LANES = 2
#: A worker that is silent for so long, in seconds, is taken for lost.
LEASE = 1.0


def wait_for(what):
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "this did not come about in time"
        time.sleep(0.02)


def wait_for_mail(sink, count):
    """Return once so many mails were taken over since the beginning."""
    wait_for(lambda: sink.total() >= count)


def is_over():
    return not Delivery.objects.waiting().exists()


def judged(sink):
    """Return the verdict on the edition, once it is clear of faults."""
    verdict = Verdict.of(sink.counts(), Delivery.objects.values_list("address", "status"))
    assert not verdict.faults
    return verdict


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def begin(sink, nursery, transactional_db):
    """Begin an edition to so many people; returns how to start workers for it."""
    workers = []
    database = {"NAME": connection.settings_dict["NAME"]}

    def start(lease=LEASE):
        workers.append(nursery.start(database, sink, LANES, lease))
        return workers[-1]

    def begin(recipients, *rules, delay=0.004):
        sink.begin_anew(*rules, delay=delay)
        make_subscribers(recipients)
        editions.start(make_edition())
        return start

    yield begin
    for worker in workers:
        worker.kill()


def test_workers_that_are_killed_at_random_moments_double_nobody_and_miss_nobody(begin, sink):
    dice = Random(48)
    start = begin(
        250,
        Rule("connect", reply="421 4.7.0 Too many connections", every=9),
        Rule("mail", drop=True, after=20),
        Rule("rcpt", reply="450 4.2.0 Greylisted", share=0.05),
        Rule("rcpt", reply="550 5.1.1 No such user", recipient="reader-33@"),
        Rule("data", drop=True, share=0.01),
        Rule("body", drop=True, share=0.01, times=2),
        Rule("dot", reply="451 4.3.0 Disk full", share=0.02),
        Rule("dot", reply="454 4.7.0 Slow down", share=0.01),
        Rule("dot", drop=True, accept=True, share=0.01, times=2),
        Rule("dot", drop=True, share=0.01, times=2),
        Rule("dot", stall=0.5, share=0.01),
    )
    lost_connections = 6
    workers = [start(0.6), start(0.6)]
    kills = 0
    while not is_over() and kills < 8:
        time.sleep(dice.uniform(0, 0.5))
        workers.pop(0).kill()
        workers.append(start(0.6))
        kills += 1
    wait_for(is_over)
    verdict = judged(sink)
    assert kills >= 3
    assert verdict.statuses["unknown"] <= kills * LANES + lost_connections
    assert verdict.statuses.keys() <= {"sent", "unknown", "bounced"}
    assert verdict.statuses["bounced"] <= 1


def test_a_worker_that_sleeps_longer_than_its_lease_doubles_nobody_when_it_wakes_up(begin, sink):
    start = begin(200)
    sleeper, other = start(), start()
    sleeps = 0
    while not is_over() and sleeps < 3:
        sleeper.freeze()
        time.sleep(LEASE * 1.3)
        sleeper.thaw()
        sleeps += 1
        time.sleep(0.1)
        sleeper, other = other, sleeper
    wait_for(is_over)
    # What was done in its place it has learned by the time that it ends.
    sleeper.end()
    other.end()
    assert sleeps >= 2
    assert judged(sink).statuses["unknown"] <= sleeps * LANES


def test_a_worker_that_is_told_to_end_leaves_nothing_unknown_and_the_next_one_goes_on(begin, sink):
    start = begin(260, delay=0.01)
    real = partial(
        RealWorker,
        {"NAME": connection.settings_dict["NAME"]},
        sink.address,
        DIGEST_LANES=str(LANES),
        DIGEST_LEASE=str(LEASE),
    )
    look.defer()  # it would look by itself, but not at once
    with real() as worker:
        wait_for_mail(sink, 60)
        assert worker.end() == 0
    sent = sink.counts().total()
    assert sent < 260
    assert Delivery.objects.counts() == {"sent": sent, "pending": 260 - sent}
    assert not Lane.objects.exclude(token=None).exists()
    look.defer()
    with real() as worker:
        wait_for_mail(sink, sent + 60)
        worker.kill()
    start()
    wait_for(is_over)
    assert judged(sink).statuses["unknown"] <= LANES


def test_pausing_is_heard_by_workers_within_two_windows(begin, sink):
    start = begin(3 * 2 * LANES * lanes.WINDOW, delay=0)
    worker = start()
    wait_for_mail(sink, 50)
    editions.pause(Edition.objects.get())
    before = sink.counts().total()
    wait_for(lambda: not Lane.objects.exclude(token=None).exists())
    assert sink.counts().total() - before <= 2 * LANES * lanes.WINDOW
    editions.resume(Edition.objects.get())
    wait_for(is_over)
    worker.end()
    assert judged(sink).statuses == {"sent": 6 * LANES * lanes.WINDOW}


# Postgres


class OwnPostgres:
    """An embedded server of the test's own, with an edition that has begun."""

    def __init__(self, home, recipients):
        self.home = Home(home)
        self.database = {"ENGINE": "shiporskip.embedded", "NAME": "proof", "HOST": str(home)}
        ensure_running(home)  # and it stays while we do
        subprocess.run(
            [sys.executable, "-m", "tests.digest.runner", "prepare", str(recipients)],
            cwd=ROOT,
            env=worker_environment(self.database, ""),
            check=True,
        )

    def ask(self, query):
        folder = ensure_running(self.home.path)
        address = f"host={folder} port=5432 user=postgres dbname=proof"
        with psycopg.connect(address, autocommit=True) as database:
            return database.execute(query).fetchall()

    def is_over(self):
        waiting = "SELECT 1 FROM digest_delivery WHERE status IN ('pending', 'sending') LIMIT 1"
        with contextlib.suppress(psycopg.OperationalError):
            return not self.ask(waiting)

    def server(self):
        number = (self.home.data / "postmaster.pid").read_text().split("\n", 1)[0]
        return psutil.Process(int(number))

    def hit(self, blow):
        """Stop the server, and wait until it is gone; the next connection starts it again."""
        server = self.server()
        server.send_signal(blow)
        server.wait(PATIENCE)


@pytest.fixture
def own_postgres(tmp_path):
    with contextlib.ExitStack() as stack:
        made = []

        def make(recipients):
            made.append(OwnPostgres(tmp_path / "postgres", recipients))
            return made[0]

        yield make
        stack.close()
        for one in made:
            one.hit(signal.SIGINT)


def test_postgres_may_restart_and_crash_in_the_middle(own_postgres, nursery, sink):
    postgres = own_postgres(300)
    sink.begin_anew(delay=0.004)
    worker = nursery.start(postgres.database, sink, LANES, lease=2)
    for blow, count in ((signal.SIGINT, 30), (signal.SIGKILL, 90)):
        wait_for_mail(sink, count)
        postgres.hit(blow)
    # Whoever lives on through that knows what it sent.
    wait_for_mail(sink, 150)
    assert not postgres.ask("SELECT 1 FROM digest_delivery WHERE status = 'unknown'")
    # Worker and Postgres at once: of the open window nothing is known any more.
    postgres.hit(signal.SIGKILL)
    worker.kill()
    worker = nursery.start(postgres.database, sink, LANES, lease=2)
    wait_for(postgres.is_over)
    worker.end()
    verdict = Verdict.of(sink.counts(), postgres.ask("SELECT address, status FROM digest_delivery"))
    assert not verdict.faults
    assert 0 < verdict.statuses["unknown"] <= LANES * lanes.WINDOW
