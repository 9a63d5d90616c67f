"""Two workers, double clicks and kills, each with a connection of its own to a real Postgres."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier, Event

import pytest
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.test import Client

from comparisons.digest import consent, editions, limits
from comparisons.digest.models import (
    Delivery,
    DeliveryStatus,
    Edition,
    SignUp,
    Stage,
    Standing,
    Subscriber,
    Suppression,
)
from tests.digest import cast

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 60


def at_once(*works):
    """Let each do its work in a thread of its own, all starting together."""
    start = Barrier(len(works))

    def run(work):
        close_old_connections()
        try:
            connection.ensure_connection()
            start.wait(PATIENCE)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_workers_at_once_answer_each_sign_up_once_and_each_address_once():
    addresses = [f"somebody{number}@example.org" for number in range(20)]
    for address in addresses * 3:
        consent.ask(address, [], "/", None)
    answered = at_once(*[consent.answer_sign_ups] * 6)
    assert sum(answered) == 60
    assert Counter(cast.recipients()) == dict.fromkeys(addresses, 1)
    assert not SignUp.objects.exclude(email="").exists()
    assert Subscriber.objects.count() == 20


@pytest.mark.parametrize("limit", ["PER_CLIENT", "OVERALL"])
def test_sign_ups_of_one_moment_do_not_pass_over_a_limit(limit, monkeypatch):
    monkeypatch.setattr(limits, limit, 5)
    ask = consent.ask

    def ask_slowly(*facts):
        time.sleep(0.05)
        return ask(*facts)

    monkeypatch.setattr(consent, "ask", ask_slowly)

    def sign_up(number):
        client = f"192.0.2.{number}" if limit == "OVERALL" else "192.0.2.1"
        return cast.sign_up(Client(), f"a{number}@example.org", ip=client).status_code

    answers = at_once(*[partial(sign_up, number) for number in range(20)])
    assert Counter(answers) == {303: 5, 429: 15}
    assert SignUp.objects.count() == 5


def test_a_double_click_on_anything_is_as_good_as_one():
    ada = cast.subscriber(status=Standing.PENDING)
    topic, _ = cast.two_categories()
    moments = {at.consented_at for at in at_once(*[lambda: consent.confirm(ada.pk)] * 5)}
    assert len(moments) == 1
    at_once(*[lambda: consent.set_topics(ada.pk, [topic.pk])] * 5)
    assert ada.topics.count() == 1
    cast.delivery(ada)
    moments = {at.ended_at for at in at_once(*[lambda: consent.leave(ada.pk)] * 5)}
    assert len(moments) == 1
    at_once(*[lambda: consent.end(ada, Standing.COMPLAINED)] * 5)
    at_once(*[lambda: consent.forget(ada.pk)] * 5)
    assert not Subscriber.objects.exists()
    assert Suppression.objects.get().reason == "complained"
    assert Delivery.objects.get().status == DeliveryStatus.LEFT


def test_leaving_waits_for_no_worker_that_holds_the_mail():
    ada = cast.subscriber()
    held = cast.delivery(ada)
    started, may_end = Barrier(2), Barrier(2)

    def worker():
        with transaction.atomic():
            Delivery.objects.select_for_update().get(pk=held.pk)
            started.wait(PATIENCE)
            may_end.wait(PATIENCE)

    def reader():
        started.wait(PATIENCE)
        before = time.monotonic()
        consent.leave(ada.pk)
        may_end.wait(PATIENCE)
        return time.monotonic() - before

    _, seconds = at_once(worker, reader)
    assert seconds < 5
    ada.refresh_from_db()
    assert ada.status == Standing.UNSUBSCRIBED  # which is looked at before each window


@pytest.mark.parametrize("round_", range(3))
def test_whatever_meets_there_is_never_a_deadlock_or_a_doubled_mail(round_):
    people = [cast.subscriber(f"p{number}@example.org", Standing.PENDING) for number in range(4)]
    topics = [topic.pk for topic in cast.two_categories()]
    for somebody in people:
        cast.delivery(somebody)
        consent.ask(somebody.email, topics, "/", None)
    works = [consent.answer_sign_ups, consent.answer_sign_ups]
    for somebody in people:
        works += [
            lambda pk=somebody.pk: gone_or(consent.confirm, pk),
            lambda pk=somebody.pk: gone_or(consent.set_topics, pk, topics),
            lambda pk=somebody.pk: consent.leave(pk),
            lambda who=somebody: consent.end(who, Standing.BOUNCED),
        ]
    works += [lambda pk=people[0].pk: consent.forget(pk)]
    at_once(*works)
    assert max(Counter(cast.recipients()).values(), default=1) == 1
    assert not Subscriber.objects.wanting().exists()
    assert not Delivery.objects.filter(status=DeliveryStatus.PENDING).exists()
    assert Suppression.objects.count() == 4


def gone_or(work, *arguments):
    with suppress(Subscriber.DoesNotExist, consent.SuppressedError):
        work(*arguments)


WORKER = """
import django, sys, time
django.setup()
from django.conf import settings
from django.core.mail.backends.filebased import EmailBackend

settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
settings.EMAIL_FILE_PATH = sys.argv[2]
from comparisons.digest import confirming, consent
sent = EmailBackend.send_messages

def slowly(self, messages):
    time.sleep(0.02)
    count = sent(self, messages)
    time.sleep(0.02)
    return count

EmailBackend.send_messages = slowly
print("ready", flush=True)
consent.answer_sign_ups()
"""


def test_workers_that_are_killed_mail_nobody_twice_and_lose_one_mail_at_most(tmp_path):
    people = [f"somebody{number}@example.org" for number in range(40)]
    for address in people:
        consent.ask(address, [], "/", None)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "shiporskip.settings",
        "PYTHONPATH": str(settings.BASE_DIR),
    }
    name = connection.settings_dict["NAME"]
    kills = 0
    for patience in (0.3, 0.15, 0.5, None):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, name, str(tmp_path)],
            env=environment,
            stdout=subprocess.PIPE,
        )
        worker.stdout.readline()
        if patience is None:
            assert SignUp.objects.filter(answered_at=None).exists()  # they died in the middle
            assert worker.wait(PATIENCE) == 0
            break
        time.sleep(patience)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(PATIENCE)
        kills += 1
    sent = Counter()
    for file in tmp_path.iterdir():
        sent.update(
            line.removeprefix("To: ").strip()
            for line in file.read_text().splitlines()
            if line.startswith("To: ")
        )
    assert max(sent.values()) == 1
    assert len(people) - kills <= len(sent) <= len(people)
    assert not SignUp.objects.filter(answered_at=None).exists()
    assert Subscriber.objects.count() == len(people)


def test_an_edition_waits_for_a_deletion_and_starts_without_whoever_is_gone():
    leaving, staying = map(cast.subscriber, ("leaving@example.org", "staying@example.org"))
    edition = cast.edition(status=Stage.APPROVED)
    half_deleted, freezing = Event(), Event()

    def forget():
        with transaction.atomic():
            consent.forget(leaving.pk)
            half_deleted.set()
            freezing.wait(1)  # what waits for us cannot say so

    def start():
        half_deleted.wait(PATIENCE)
        editions.start(edition)
        freezing.set()

    at_once(forget, start)
    edition.refresh_from_db()
    assert (edition.status, edition.recipients) == (Stage.SENDING, 1)
    assert [row.subscriber_id for row in Delivery.objects.all()] == [staying.pk]


def test_whoever_is_deleted_while_an_edition_freezes_goes_after_it_and_leaving_waits_for_nothing():
    people = [cast.subscriber(f"{name}@example.org") for name in ("gone", "left", "here")]
    gone, left, here = people
    edition = cast.edition(status=Stage.APPROVED)
    frozen, has_left = Event(), Event()

    def start():
        with transaction.atomic():
            editions.start(edition)
            frozen.set()
            assert has_left.wait(PATIENCE), "leaving waited for the edition"

    def forget():
        frozen.wait(PATIENCE)
        consent.forget(gone.pk)

    def leave():
        frozen.wait(PATIENCE)
        consent.leave(left.pk)
        has_left.set()

    at_once(start, forget, leave)
    assert Edition.objects.get().recipients == 3
    assert Counter(Delivery.objects.values_list("subscriber", "status")) == Counter(
        [(None, "left"), (left.pk, "pending"), (here.pk, "pending")]
    )
    left.refresh_from_db()
    assert left.status == Standing.UNSUBSCRIBED  # which is looked at before each window
