"""Kept pages are as new as promised, and newer for whoever has just written."""

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from reviews.scorecards import Verdict
from reviews.voters import new_voter
from reviews.voting import cast_vote
from shiporskip import page_cache
from tests import cast
from tests.shiporskip.kept import (
    PAGE,
    alpha,
    grow_older,
    look,
    page_cache_on,
    rename,
    renderings,
)
from tests.shiporskip.test_admin import form_of
from tools import changes
from tools.changes import ContentChange, content_version
from tools.models import Tool
from tools.status import Status

__all__ = ["alpha", "page_cache_on", "renderings"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("page_cache_on")]
OURS = {"Sec-Fetch-Site": "same-origin"}


# How new a page is


def test_a_reader_sees_what_was_published_once_the_process_has_looked(client, alpha):
    client.get(PAGE)
    rename()
    assert "Alpha Two" not in client.get(PAGE).content.decode()
    look()
    answer = client.get(PAGE)
    assert "Alpha Two" in answer.content.decode()
    assert answer.page_cache == "made"


def test_a_process_looks_once_a_second(client, alpha, monkeypatch):
    assert page_cache.LOOK_EVERY == 3600  # of these tests
    monkeypatch.undo()
    assert page_cache.LOOK_EVERY == 1


def test_a_process_looks_no_more_often_than_it_should(client, alpha, monkeypatch):
    looks = []
    monkeypatch.setattr(page_cache, "content_version", lambda _: looks.append(1) or (1, 1, 1))
    for _ in range(5):
        client.get(PAGE)
    assert len(looks) == 1
    look()
    for _ in range(5):
        client.get(PAGE)
    assert len(looks) == 2


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/admin/login/", "/nowhere/"])
def test_what_is_not_kept_looks_at_nothing_so_probes_wait_for_no_look(client, monkeypatch, address):
    looks = []
    monkeypatch.setattr(page_cache, "content_version", lambda _: looks.append(1) or (1, 1, 1))
    client.get(address)
    assert looks == []


WRITES = {
    "a tool": lambda tool: Tool.objects.filter(pk=tool.pk).update(tagline="New"),
    "a vendor": lambda tool: type(tool.vendor).objects.update(name="New"),
    "a category": lambda tool: type(tool.category).objects.update(name="New"),
    "a plan": lambda tool: cast.add_plan(tool, "New"),
    "a price": lambda tool: cast.check_price(tool),
    "a review": lambda tool: cast.review(tool, "skip - - -"),
    "a comparison": lambda tool: cast.compare(tool, cast.gamma()),
    "a withdrawal": lambda tool: Tool.objects.update(status=Status.WITHDRAWN),
    "a deletion": lambda tool: cast.delta().delete(),
}


@pytest.mark.parametrize("what", WRITES)
def test_every_publishing_write_is_noted(alpha, what):
    before = content_version()
    WRITES[what](alpha)
    assert content_version() != before


def test_an_edition_and_a_ranking_are_noted_too(alpha):
    from reviews.placings import Placing, Ranking
    from tests.digest.cast import edition

    before = content_version()
    edition()
    after = content_version()
    ranking = Ranking.objects.create(category=alpha.category, basis="x")
    Placing.objects.create(ranking=ranking, tool=alpha, win_rate=50, low=40, high=60, duels=9)
    assert len({before, after, content_version()}) == 3


def test_a_ballot_makes_no_page_anew_for_others_but_for_who_cast_it(client, alpha):
    client.get(PAGE)
    before = content_version()
    voter = Client(headers=OURS)
    answer = voter.post(
        f"{PAGE}vote/", "choice=ship", content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 303
    assert content_version() == before
    look()
    assert client.get(PAGE).page_cache == "kept"
    assert voter.get(PAGE).page_cache == "made"


def test_a_ballot_is_on_the_page_when_half_of_the_setting_has_passed(client, alpha):
    client.get(PAGE)
    cast_vote(alpha.pk, new_voter(), Verdict.SHIP)
    grow_older(29)
    assert client.get(PAGE).page_cache == "kept"
    grow_older(2)
    assert "1 vote" in client.get(PAGE).content.decode()


def test_what_is_scheduled_appears_at_most_the_setting_late(client, alpha, settings):
    at = timezone.now() + timedelta(seconds=2)
    cast.make_tool("soon", status=Status.SCHEDULED, published_at=at)
    assert "soon" not in client.get("/tools/").content.decode()
    time.sleep((at - timezone.now()).total_seconds() + 0.1)
    grow_older(settings.PAGE_MAX_AGE / 2, "/tools/")
    assert "/tools/soon/" in client.get("/tools/").content.decode()


# Who has just written


def test_an_editor_sees_at_once_what_others_see_soon(client, alpha, admin_client):
    client.get(PAGE)
    address = f"/admin/tools/vendor/{alpha.vendor.pk}/change/"
    fields = form_of(admin_client.get(address)) | {"name": "Acme Two"}
    saved = admin_client.post(address, fields)
    assert saved.status_code == 302
    cookie = saved.cookies["fresh"]
    assert (cookie["max-age"], cookie["path"]) == (60, "/")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "Acme Two" in admin_client.get(PAGE).content.decode()


def test_the_cookie_is_secure_where_the_others_are(admin_client, alpha, settings):
    settings.SESSION_COOKIE_SECURE = True
    from django.http import HttpResponse

    from tools.freshness import show_writer

    response = HttpResponse()
    show_writer(response)
    assert response.cookies["fresh"]["secure"]


def test_what_a_writer_is_shown_is_kept_for_the_others(client, alpha):
    client.get(PAGE)
    rename()
    client.cookies["fresh"] = "1"
    assert "Alpha Two" in client.get(PAGE).content.decode()
    del client.cookies["fresh"]
    answer = client.get(PAGE)
    assert answer.page_cache == "kept"
    assert "Alpha Two" in answer.content.decode()


def test_refused_writes_and_reading_set_no_cookie(client, admin_client, alpha):
    address = f"/admin/tools/vendor/{alpha.vendor.pk}/change/"
    assert "fresh" not in admin_client.get(address).cookies
    assert "fresh" not in admin_client.get(PAGE).cookies
    assert "fresh" not in client.post(f"{PAGE}vote/", {"choice": "ship"}).cookies
    assert "fresh" not in client.post("/digest/sign-up/", {}).cookies


def test_privacy_names_the_cookie(site):
    assert "fresh" in site.get("/privacy/").text


# The nightly job


def test_old_changes_are_forgotten_and_no_version_ever_comes_back(alpha):
    seen = {content_version()}
    ContentChange.objects.update(noted_at=timezone.now() - 2 * changes.KEPT)
    rename()
    seen.add(content_version())
    call_command("forget_expired")
    assert ContentChange.objects.count() == 1
    seen.add(content_version())
    ContentChange.objects.update(noted_at=timezone.now() - 2 * changes.KEPT)
    call_command("forget_expired")
    assert ContentChange.objects.count() == 1  # the newest stays
    assert len(seen) == 3


# With transactions of their own


@pytest.mark.django_db(transaction=True)
def test_a_write_that_is_rolled_back_changes_nothing(client):
    cast.alpha()
    client.get(PAGE)
    with transaction.atomic():
        rename()
        transaction.set_rollback(True)
    look()
    assert client.get(PAGE).page_cache == "kept"


@pytest.mark.django_db(transaction=True)
def test_a_write_counts_when_it_is_committed(client):
    cast.alpha()
    client.get(PAGE)
    writer = connection.copy()
    try:
        writer.set_autocommit(False)
        with writer.cursor() as cursor:
            cursor.execute("UPDATE tools_tool SET name = 'Alpha Two'")
            look()
            assert client.get(PAGE).page_cache == "kept"
        writer.commit()
        look()
        assert "Alpha Two" in client.get(PAGE).content.decode()
    finally:
        writer.close()


@pytest.mark.django_db(transaction=True)
def test_of_two_transactions_that_commit_in_the_other_order_both_count(client):
    tool, other = cast.alpha(), cast.beta()
    client.get(PAGE)
    first, second = connection.copy(), connection.copy()
    try:
        for writer, row in ((first, tool), (second, other)):
            writer.set_autocommit(False)
            with writer.cursor() as cursor:
                cursor.execute("UPDATE tools_tool SET name = 'New' WHERE id = %s", [row.pk])
        second.commit()
        look()
        assert client.get(PAGE).page_cache == "made"
        first.commit()
        look()
        assert "New" in client.get(PAGE).content.decode()
    finally:
        first.close()
        second.close()


def test_what_a_replica_showed_is_no_newer_than_what_it_knew(client, alpha, monkeypatch):
    class Behind:
        def current(self):
            return (1, 1, 1)

    class There:
        def up_to_date(self):
            return ["replica1"]

    monkeypatch.setattr(page_cache, "replicas", {"replica1": Behind()})
    monkeypatch.setattr(page_cache, "servers", There())
    from tools import views

    render = views.render

    def read_there(request, *args, **kwargs):
        request.read_from = "replica1"
        return render(request, *args, **kwargs)

    monkeypatch.setattr(views, "render", read_there)
    assert client.get(PAGE).page_cache == "made"
    assert client.get(PAGE).page_cache == "made"  # not before the replica knows as much
    page_cache.replicas["replica1"].current = page_cache.version.current
    assert client.get(PAGE).page_cache == "made"
    assert client.get(PAGE).page_cache == "kept"
