"""The desk's front page says what there is to do for the digest."""

from datetime import timedelta

import pytest
from django.utils import timezone

from comparisons.digest import consent, editions
from comparisons.digest.models import Delivery, Edition
from tests import cast
from tests.conftest import Page
from tests.digest import desk
from tests.digest.desk import member, page_of, unknown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _with_a_worker(db):
    desk.worker()


@pytest.fixture(autouse=True)
def _with_a_mail_server(settings):
    settings.DIGEST_IS_SENT = True
    settings.DIGEST_POSTAL_ADDRESS = "1 Main Street"
    settings.SITE_URL = "https://ship.example.com"
    settings.DIGEST_FROM = "digest@ship.example.com"
    settings.ALLOWED_HOSTS = ["*"]


def front(group="Editor", name=None):
    return Page(member(group, name).get("/admin/"))


def lines(page):
    return page.all("#desk-digest .desk-line")


def test_a_draft_waits_for_approval():
    edition = desk.draft()
    page = front()
    (line,) = lines(page)
    assert line.startswith(f"{edition.week}: {edition.subject} draft Waits for approval")
    assert page_of(edition) in page.links("#desk-digest a")


def test_an_approved_edition_says_when_it_starts():
    edition = desk.approved()
    (line,) = lines(front())
    assert f"Approved. It starts {edition.starts_at:%-d %b %Y, %H:%M} UTC" in line


def test_an_approved_edition_that_did_not_start_is_told():
    edition = desk.approved()
    Edition.objects.filter(pk=edition.pk).update(starts_at=timezone.now() - timedelta(minutes=5))
    (line,) = lines(front())
    assert "Approved, and was due. Is a worker running" in line


def test_one_that_is_being_sent_says_to_how_many():
    desk.sending("ada@example.org")
    (line,) = lines(front())
    assert "Is being sent to 1 recipients." in line


def test_a_pause_is_told_with_its_reason():
    desk.paused("ada@example.org")
    (line,) = lines(front())
    assert "Paused. The server refused us." in line


def test_unknown_deliveries_wait_for_a_decision():
    edition = desk.sending("ada@example.org", "bob@example.org")
    unknown(edition)
    page = front()
    assert "2 unknown deliveries" in lines(page)[1]
    assert f"/admin/digest/edition/{edition.pk}/unknowns/" in page.links("#desk-digest a")


def test_a_week_in_which_nothing_changed_has_no_edition(monkeypatch):
    monkeypatch.setattr(editions, "DRAFT_LEAD", timedelta(days=7))
    (line,) = lines(front())
    assert "Nothing changed since the last edition, so there is none." in line


def test_a_draft_that_is_missing_though_something_changed_is_told(monkeypatch):
    monkeypatch.setattr(editions, "DRAFT_LEAD", timedelta(days=7))
    cast.alpha()
    (line,) = lines(front())
    assert "Is a worker running?" in line


def test_before_its_time_it_says_when_the_draft_is_made(monkeypatch):
    monkeypatch.setattr(editions, "DRAFT_LEAD", -timedelta(days=7))
    (line,) = lines(front())
    assert "No draft yet. It is made" in line


def test_when_all_is_done_it_says_so():
    edition = desk.sending("ada@example.org")
    edition.deliveries.update(status="sent")
    editions.finish(edition)
    page = front()
    assert not lines(page)
    assert f"The edition of {edition.week} is out" in page.one("#desk-digest")


def test_without_a_mail_server_it_says_that_nothing_is_sent(settings):
    settings.DIGEST_IS_SENT = False
    page = front()
    assert lines(page)[0].startswith("Nothing is sent anywhere")
    assert "/admin/digest/keptmail/" in page.links("#desk-digest a")
    author = front("Author")
    assert "/admin/digest/keptmail/" not in author.links("#desk-digest a")


def test_while_a_setting_is_missing_it_says_which_and_who_waits(settings):
    settings.DIGEST_POSTAL_ADDRESS = ""
    for name in ("ada", "bob"):
        consent.ask(f"{name}@example.org", [], "/digest/", None)
    client = member("Editor")
    line = lines(Page(client.get("/admin/")))[0]
    assert line.startswith("No mail leaves yet The sender’s postal address is missing")
    assert line.endswith("Sign-ups that wait for it: 2.")
    assert "DIGEST_POSTAL_ADDRESS" in Page(client.get(desk.LIST)).one(".lacks")


def test_who_may_not_see_editions_has_no_section(client):
    user = desk.User.objects.create_user("guest", is_staff=True)
    client.force_login(user)
    assert not Page(client.get("/admin/")).all("#desk-digest")


def test_the_section_costs_the_same_however_much_there_is(django_assert_max_num_queries):
    edition = desk.sending("ada@example.org", "bob@example.org")
    unknown(edition)
    for number in range(1, 20):
        old = Edition.objects.create(
            week=f"2020-W{number:02}", subject="Old", since=edition.since, until=edition.until,
            started_at=edition.started_at,
        )  # fmt: skip
        Delivery.objects.create(
            edition=old, subscriber_id=edition.deliveries.first().subscriber_id,
            next_try=timezone.now(), status="unknown",
        )  # fmt: skip
    client = member("Editor")
    client.get("/admin/")
    with django_assert_max_num_queries(22):
        client.get("/admin/")


LISTS = ".desk-everything li > a:first-child"


def test_the_digests_lists_stand_in_order_and_jobs_are_for_superusers(admin_client):
    names = Page(member("Editor").get("/admin/")).all(LISTS)
    at = names.index("Editions")
    assert names[at : at + 5] == [
        "Editions", "Subscribers", "Deliveries", "Suppressions", "Kept mails",
    ]  # fmt: skip
    assert "Jobs" not in names
    assert "Jobs" not in Page(member("Administrator").get("/admin/")).all(LISTS)
    assert "Jobs" in Page(admin_client.get("/admin/")).all(LISTS)
    assert Page(member("Author", "ann").get("/admin/")).all(LISTS)[-2:] == [
        "Editions",
        "Acts",
    ]
