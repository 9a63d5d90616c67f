"""How far an edition has come: a bar, every count, and what holds it up."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from comparisons.digest import editions
from comparisons.digest.desk.progress import LEAST, SAMPLE_MOST, WIDTH, Picture, Sample, _parts
from comparisons.digest.lanes import Lane
from comparisons.digest.models import Delivery, DeliveryStatus, Edition
from tests.conftest import Page
from tests.digest import desk
from tests.digest.desk import LIST, member, page_of

pytestmark = pytest.mark.django_db


def fragment(client, edition, query=""):
    return Page(client.get(f"{LIST}{edition.pk}/progress/{query}"))


def spread():
    """Return an edition with a delivery of each status."""
    edition = desk.sending(*(f"reader{number}@example.org" for number in range(8)))
    for row, status in zip(edition.deliveries.order_by("pk"), DeliveryStatus.values, strict=True):
        Delivery.objects.filter(pk=row.pk).update(status=status)
    return edition


def test_every_status_is_counted_and_drawn():
    page = fragment(member("Author"), spread())
    assert page.all("dt")[0] == "Sent Taken over by the mail server"
    assert page.all("dd") == ["1"] * 8
    drawn = {part.get("class") for part in page.tree.cssselect("svg rect")}
    assert {f"part-{status}" for status in DeliveryStatus.values} <= drawn
    assert page.one(".progress-figure strong") == "75%"
    label = page.tree.cssselect("svg")[0].get("aria-label")
    assert label.startswith("75% done: 1 sent, 1 left, 1 failed, ")
    assert not page.tree.cssselect("[style], style, script")


def test_unknown_deliveries_lead_to_where_they_are_decided_on():
    edition = spread()
    page = fragment(member("Editor"), edition)
    assert f"{LIST}{edition.pk}/unknowns/" in page.links("a")
    assert "1 unknown delivery waits for your decision" in page.html


def test_what_there_is_one_of_in_a_million_is_drawn():
    parts = _parts(dict.fromkeys(DeliveryStatus.values, 0) | {"sent": 999_999, "unknown": 1})
    assert [part.width for part in parts] == [WIDTH - LEAST, LEAST]
    assert _parts(dict.fromkeys(DeliveryStatus.values, 0)) == []


def test_a_pause_is_told_with_its_reason():
    edition = desk.paused("ada@example.org")
    page = fragment(member("Author"), edition)
    assert page.one(".progress-reason") == "The server refused us."
    assert page.one(".stage") == "Paused"


def test_lanes_in_trouble_and_the_next_retry_are_told():
    edition = desk.sending("ada@example.org")
    later = timezone.now() + timedelta(minutes=5)
    edition.deliveries.update(attempts=1, next_try=later)
    Lane.objects.create(number=3, trouble="421 4.7.0 <b>Slow</b> down", resting_until=later)
    page = fragment(member("Author"), edition)
    assert f"Next retry at {later:%-d %b, %H:%M:%S} UTC." in page.html
    trouble = page.one(".progress-trouble")
    assert trouble == f"Lane 3, rests until {later:%H:%M:%S} UTC: 421 4.7.0 <b>Slow</b> down"


def test_the_rate_is_told_from_an_earlier_look():
    edition = desk.sending(*(f"reader{number}@example.org" for number in range(8)))
    Delivery.objects.filter(pk__in=edition.deliveries.values("pk")[:6]).update(status="sent")
    edition.refresh_from_db()
    earlier = Sample(timezone.now() - timedelta(seconds=10), 4)
    picture = Picture.of(edition, earlier)
    assert picture.rate_text == "0.2 a second"
    assert picture.remaining == "less than a minute"
    assert Picture.of(edition, Sample(timezone.now() - timedelta(seconds=10), 6)).rate_text == (
        "nothing went out lately"
    )
    editions.pause(edition)
    assert Picture.of(edition, earlier).remaining == ""


@pytest.mark.parametrize(
    "query",
    [
        "?since=yesterday&handled=3", "?since=2026-11-25T08:00:00&handled=3", "?handled=3",
        "?since=2026-11-25T08:00:00%2B00:00&handled=x", "?since=%00&handled=-1",
        "?since=2026-99-99T08:00:00Z&handled=1", 
        f"?since=2026-11-25T08:00:00Z&handled={'9' * 6000}",
    ],
)  # fmt: skip
def test_whatever_is_said_of_an_earlier_look_is_answered(query):
    answer = member("Author").get(f"{LIST}{desk.sending().pk}/progress/{query}")
    assert answer.status_code == 200


def test_a_page_without_javascript_says_how_fresh_it_is_and_how_to_look_again():
    edition = desk.sending("ada@example.org")
    page = Page(member("Author").get(page_of(edition)))
    assert page.one(".progress-fresh").startswith("As of ")
    assert f"{page_of(edition)}?since=" in page.links(".progress-again")[0]
    assert page.tree.cssselect("[data-live]")


def test_a_first_look_says_nothing_of_a_speed_that_it_cannot_know():
    edition = desk.sending("ada@example.org", "bob@example.org")
    Edition.objects.filter(pk=edition.pk).update(started_at=timezone.now() - timedelta(hours=2))
    edition.deliveries.filter(address="ada@example.org").update(status="sent")
    figure = Page(member("Author").get(page_of(edition))).one(".progress-figure")
    assert figure.startswith("50%")
    assert "a second" not in figure
    assert "lately" not in figure
    assert "to go" not in figure


def test_looking_again_without_javascript_tells_the_speed_since_the_last_look():
    edition = desk.sending(*(f"reader{number}@example.org" for number in range(8)))
    edition.deliveries.exclude(address="reader7@example.org").update(status="sent")
    looked_at = timezone.now() - timedelta(seconds=10)
    query = urlencode({"since": looked_at.isoformat(), "handled": 2})
    page = Page(member("Author").get(f"{page_of(edition)}?{query}"))
    assert "0.5 a second, less than a minute to go" in page.one(".progress-figure")


def test_a_look_from_before_a_pause_is_no_measure_of_speed():
    edition = desk.sending("ada@example.org", "bob@example.org")
    edition.deliveries.filter(address="ada@example.org").update(status="sent")
    long_ago = timezone.now() - SAMPLE_MOST - timedelta(seconds=1)
    assert Picture.of(edition, Sample(long_ago, 0)).rate is None


def test_what_is_over_is_not_asked_for_again():
    edition = desk.sending("ada@example.org")
    edition.deliveries.update(status="sent")
    editions.finish(edition)
    client = member("Author")
    assert not fragment(client, edition).tree.cssselect("[data-live], .progress-again")
    page = Page(client.get(page_of(edition)))
    assert not page.tree.cssselect('script[src*="progress.js"]')
    assert not page.tree.cssselect("form.act")


def test_what_has_not_started_has_no_progress():
    client, edition = member("Author"), desk.draft()
    assert client.get(f"{LIST}{edition.pk}/progress/").status_code == 404
    assert not Page(client.get(page_of(edition))).tree.cssselect("#progress")


def test_an_edition_to_nobody_is_done_and_drawn():
    edition = desk.sending()
    editions.finish(Edition.objects.get(pk=edition.pk))
    page = Page(member("Author").get(page_of(edition)))
    assert "no deliveries" in page.tree.cssselect("svg.progress-bar")[0].get("aria-label")


def test_a_look_costs_the_same_whatever_the_size(django_assert_max_num_queries):
    edition = spread()
    client = member("Author")
    with django_assert_max_num_queries(8):  # five of them for who is asking and what they may
        fragment(client, edition)
