"""What workers do when they look."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from comparisons.digest import consent, editions, tasks
from comparisons.digest.models import Delivery, Edition, SignUp, Stage
from tests.digest.cast import edition, subscriber
from tests.digest.desk import approved

pytestmark = pytest.mark.django_db


def jobs(status="todo"):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name FROM procrastinate_jobs WHERE status::text = %s ORDER BY id", [status]
        )
        return [name for (name,) in cursor.fetchall()]


def test_a_look_starts_what_is_due_and_asks_for_a_slice_over_each_free_lane(settings):
    settings.DIGEST_LANES = 3
    subscriber()
    made = approved()
    tasks.look(0)
    assert Edition.objects.get().status == Stage.APPROVED
    Edition.objects.update(starts_at=timezone.now())
    tasks.look(0)
    assert Edition.objects.get(pk=made.pk).status == Stage.SENDING
    assert jobs() == ["digest.send_slice"] * 3
    tasks.look(0)  # they wait still
    assert jobs() == ["digest.send_slice"] * 3


def test_a_look_calls_done_what_is_done():
    made = edition(status=Stage.SENDING)
    tasks.look(0)
    assert Edition.objects.get(pk=made.pk).status == Stage.DONE
    assert jobs() == []


def test_an_edition_that_cannot_start_holds_up_no_other(monkeypatch):
    stuck = edition(week="2026-W01", status=Stage.APPROVED)
    fine = edition(week="2026-W02", status=Stage.APPROVED)
    done = edition(week="2026-W03", status=Stage.SENDING)
    start = editions.start

    def fails(one):
        if one.pk == stuck.pk:
            raise OperationalError("no")
        start(one)

    monkeypatch.setattr(editions, "start", fails)
    tasks.look(0)
    stages = dict(Edition.objects.values_list("pk", "status"))
    assert stages == {stuck.pk: "approved", fine.pk: "done", done.pk: "done"}


def test_the_jobs_of_lost_workers_are_forgotten_at_night_and_no_others():
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (1)")
        for status, worker in (("doing", None), ("doing", 1), ("todo", None)):
            cursor.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id)"
                " VALUES ('default', 'digest.look', %s, %s)",
                [status, worker],
            )
    tasks.forget_expired(0)
    assert jobs("doing") == ["digest.look"]
    assert jobs("todo") == ["digest.look"]


def test_a_worker_that_is_to_end_takes_no_further_sign_up(mailoutbox):
    for name in ("ada", "eve"):
        consent.ask(f"{name}@example.org", [], "/digest/", None)
    ends = iter([False, True])
    assert consent.answer_sign_ups(lambda: next(ends)) == 1
    assert len(mailoutbox) == 1
    assert SignUp.objects.filter(answered_at__isnull=True).count() == 1


def test_what_is_sent_again_is_tried_as_long_as_anything_new():
    made = edition(status=Stage.DONE)
    long_ago = timezone.now() - timedelta(days=5)
    Delivery.objects.create(
        edition=made, subscriber=subscriber(), address="ada@example.org", status="unknown",
        next_try=long_ago, first_try=long_ago,
    )  # fmt: skip
    editions.settle_unknown(made.deliveries.all(), as_sent=False)
    assert Delivery.objects.get().first_try is None
