"""The desk tells when no worker runs, by the signs of life that workers leave."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

from comparisons.digest.workers import SILENT, silence
from tests.conftest import Page
from tests.digest import desk
from tests.digest.desk import LIST, member, page_of, worker

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def asked_for_a_look(moment):
    """Have a worker ask for what is due at a time of the clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT procrastinate_defer_periodic_job_v2('default', NULL, NULL, 'digest.look', 0,"
            " '', %s, '{}')",
            [int(moment.timestamp())],
        )


def test_a_worker_that_gives_signs_of_life_is_not_spoken_of():
    worker()
    assert silence() == ""


def test_a_worker_that_was_killed_is_told_with_when_it_was_seen_last():
    worker(seen_ago=HOUR)
    moment = ProcrastinateWorker.objects.get().last_heartbeat
    said = silence()
    assert said.startswith("No worker has been seen since ")
    assert f"{moment:%H:%M} UTC: nothing is sent, and no sign-up is answered" in said


def test_a_silence_of_more_than_a_day_is_told_with_its_day():
    worker(seen_ago=30 * HOUR)
    moment = ProcrastinateWorker.objects.get().last_heartbeat
    assert f"since {moment:%-d %b %Y, %H:%M} UTC" in silence()


def test_a_worker_that_ended_in_order_is_missed_although_it_took_its_heartbeat_along():
    moment = timezone.now() - HOUR
    asked_for_a_look(moment)
    key = worker()
    with connection.cursor() as cursor:
        cursor.execute("SELECT procrastinate_unregister_worker_v1(%s)", [key])
    assert f"{moment:%H:%M} UTC" in silence()


def test_a_restart_of_the_worker_is_nothing_to_tell():
    asked_for_a_look(timezone.now() - SILENT / 2)
    assert silence() == ""


def test_one_worker_of_several_is_enough():
    worker(seen_ago=HOUR)
    worker()
    assert silence() == ""


def test_where_there_never_was_a_worker_it_says_so():
    assert silence().startswith("No worker has been seen so far: ")


def test_the_desk_says_it_on_the_front_page_the_list_and_each_edition():
    edition, client = desk.draft(), member("Author")
    for address in ("/admin/", LIST, page_of(edition)):
        assert "No worker has been seen" in Page(client.get(address)).html, address
    worker()
    for address in ("/admin/", LIST, page_of(edition)):
        assert "No worker has been seen" not in Page(client.get(address)).html, address


def test_the_site_is_ready_for_readers_without_a_worker(client):
    assert silence()
    assert client.get("/readyz").status_code == 200
