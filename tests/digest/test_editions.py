"""Editions, from the draft to the last mail: when they are proposed, what may become of them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from comparisons.digest import consent, editions
from comparisons.digest.models import (
    MOVES,
    Delivery,
    DeliveryStatus,
    Edition,
    Stage,
    Standing,
    Subscriber,
)
from comparisons.digest.rendering import digest_of, render
from reviews.models import Review
from tests.cast import alpha, make_category, make_tool, review
from tests.digest.cast import edition as made_edition
from tests.digest.cast import subscriber
from tools.models import Tool
from tools.status import Status

pytestmark = pytest.mark.django_db

#: A Wednesday, a day before the slot; what is public has to have a past.
WEDNESDAY = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
THURSDAY = WEDNESDAY + timedelta(days=1)


def seen(edition):
    """Return the digest of what an editor sees in the preview."""
    rendering = render(edition)
    return digest_of(rendering.html, rendering.text)


def drafted():
    alpha()
    return editions.draft("2026-W48")


def approved(**when):
    edition = drafted()
    editions.approve(edition, "eve", when.get("starts_at"), seen(edition))
    return edition


def started():
    edition = approved()
    editions.start(edition)
    return edition


def refusal(act, *arguments):
    with pytest.raises(ValidationError) as raised:
        act(*arguments)
    return " ".join(raised.value.messages)


def at(moment, tool):
    """Let a tool and its reviews have appeared at a moment."""
    Tool.objects.filter(pk=tool.pk).update(published_at=moment)
    Review.objects.filter(tool=tool).update(published_at=moment)


# When


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (datetime(2026, 11, 25, tzinfo=UTC), "2026-W48"),
        (datetime(2026, 12, 31, tzinfo=UTC), "2026-W53"),
        (datetime(2027, 1, 3, tzinfo=UTC), "2026-W53"),
        (datetime(2027, 1, 4, tzinfo=UTC), "2027-W01"),
    ],
)
def test_a_week_is_that_of_iso_8601_also_where_the_year_ends(day, week):
    assert editions.next_slot(day)[0] == week


def test_the_slot_is_the_day_and_hour_of_the_setting(settings):
    assert editions.slot_of("2026-W47") == THURSDAY
    settings.DIGEST_SCHEDULE = "sunday 23:30"
    assert editions.slot_of("2026-W53") == datetime(2027, 1, 3, 23, 30, tzinfo=UTC)


def test_a_draft_is_proposed_a_day_before_its_slot_and_not_sooner():
    at(WEDNESDAY - timedelta(hours=2), alpha())
    assert editions.propose(WEDNESDAY - timedelta(minutes=1)) is None
    edition = editions.propose(WEDNESDAY)
    assert (edition.week, edition.status) == ("2026-W47", Stage.DRAFT)
    assert "Alpha" in render(edition).text


def test_a_worker_that_comes_late_still_proposes_this_weeks_draft():
    at(WEDNESDAY, alpha())
    assert editions.propose(THURSDAY + timedelta(days=3)).week == "2026-W47"


def test_a_week_gets_one_draft_however_often_it_is_proposed():
    at(WEDNESDAY - timedelta(hours=2), alpha())
    assert editions.propose(WEDNESDAY)
    assert editions.propose(WEDNESDAY) is None
    assert editions.draft("2026-W47", WEDNESDAY) is None
    assert Edition.objects.count() == 1


def test_where_nothing_changed_there_is_no_edition():
    assert editions.propose(WEDNESDAY) is None
    at(WEDNESDAY - timedelta(days=8), alpha())
    assert editions.propose(WEDNESDAY) is None
    assert not Edition.objects.exists()


def test_an_edition_tells_what_changed_since_the_last_one_and_nothing_twice():
    first = approved()
    editions.start(first)
    assert editions.draft("2026-W49") is None
    review(make_tool("omega"), "ship ship ship ship")
    second = editions.draft("2026-W49")
    assert second.since == first.until
    text = render(second).text
    assert "Omega" in text
    assert "Alpha" not in text


def test_a_cancelled_edition_has_told_nothing():
    editions.cancel(approved())
    assert "Alpha" in render(editions.draft("2026-W49")).text


def test_a_draft_takes_in_what_has_changed_since_when_it_is_built_again():
    edition = drafted()
    edition.subject = "Mine"
    edition.save()
    review(make_tool("omega"), "ship ship ship ship")
    editions.rebuild(edition)
    assert "Omega" in render(edition).text
    assert edition.subject == "Mine"
    editions.approve(edition, "eve", None, seen(edition))
    assert "Only a draft" in refusal(editions.rebuild, edition)


def test_a_subject_that_nobody_has_edited_is_proposed_anew_with_the_rest():
    edition = drafted()
    before = edition.subject
    review(make_tool("omega"), "ship ship ship ship")
    editions.rebuild(edition)
    assert edition.subject != before
    assert "Omega" in edition.subject


# Approving


def test_what_is_approved_is_frozen_with_its_digest():
    edition = approved()
    assert edition.status == Stage.APPROVED
    assert edition.approved_by == "eve"
    assert edition.digest == digest_of(edition.html, edition.text)
    assert "Alpha" in edition.text
    for column in ("subject", "html", "text", "content", "week"):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            Edition.objects.filter(pk=edition.pk).update(**{column: "2026-W01"})


def test_it_is_sent_at_once_or_from_a_moment_on_that_has_not_passed():
    soon = timezone.now() + timedelta(hours=1)
    edition = drafted()
    past = timezone.now() - timedelta(hours=1)
    assert "has passed" in refusal(editions.approve, edition, "eve", past, seen(edition))
    editions.approve(edition, "eve", soon, seen(edition))
    assert edition.starts_at == soon
    assert not Edition.objects.due().exists()
    editions.unapprove(edition)
    editions.approve(edition, "eve", None, seen(edition))
    assert Edition.objects.due().get() == edition


def test_nobody_approves_what_they_have_not_seen():
    edition = drafted()
    before = seen(edition)
    Tool.objects.filter(slug="alpha").update(name="Renamed")
    assert "has changed since you looked" in refusal(editions.approve, edition, "eve", None, before)
    edition.refresh_from_db()
    assert (edition.status, edition.html) == (Stage.DRAFT, "")
    # It was built again, and can be approved as it is now.
    assert "Renamed" in render(edition).text
    editions.approve(edition, "eve", None, seen(edition))


def test_an_edition_with_nothing_in_it_is_not_approved():
    edition = drafted()
    before = seen(edition)
    Tool.objects.filter(slug="alpha").update(status=Status.WITHDRAWN)
    assert "nothing in it" in refusal(editions.approve, edition, "eve", None, before)
    edition.refresh_from_db()
    assert edition.status == Stage.DRAFT


def test_where_mail_would_leave_what_is_missing_is_said_first(settings):
    settings.DIGEST_IS_SENT = True
    settings.DIGEST_POSTAL_ADDRESS = ""
    edition = drafted()
    assert "postal address" in refusal(editions.approve, edition, "eve", None, seen(edition))


def test_an_approval_can_be_taken_back_until_it_starts():
    edition = approved()
    editions.unapprove(edition)
    assert (edition.status, edition.html, edition.starts_at) == (Stage.DRAFT, "", None)
    editions.approve(edition, "eve", None, seen(edition))
    editions.start(edition)
    assert refusal(editions.unapprove, edition) == "What is sending cannot become draft."


# Moves


REFUSED = [
    (before, after)
    for before in Stage
    for after in Stage
    if before != after and after not in MOVES[before]
]


@pytest.mark.parametrize(("before", "after"), REFUSED)
def test_a_move_that_the_table_does_not_have_is_refused_by_the_database_too(before, after):
    edition = made_edition(status=before, html="<p>x</p>", text="x", digest="0" * 64)
    with pytest.raises(IntegrityError, match="cannot become"), transaction.atomic():
        Edition.objects.filter(pk=edition.pk).update(status=after)


def test_an_edition_that_went_out_cannot_be_deleted_and_a_draft_can():
    edition = started()
    with pytest.raises(IntegrityError, match="is kept"), transaction.atomic():
        edition.delete()
    review(make_tool("omega"), "ship ship ship ship")
    editions.draft("2026-W49").delete()


def test_a_pause_says_why_and_ends():
    edition = started()
    editions.pause(edition, "Because.")
    assert (edition.status, edition.pause_reason) == (Stage.PAUSED, "Because.")
    assert refusal(editions.pause, edition) == "What is paused cannot become paused."
    editions.resume(edition)
    assert (edition.status, edition.pause_reason) == (Stage.SENDING, "")


# Who gets it


def test_it_goes_to_everybody_who_is_on_the_list_when_it_starts():
    category = make_category()
    other = make_category("Agents", "agents")
    subscriber("all@example.org")
    subscriber("some@example.org", topics=[other, category])
    subscriber("pending@example.org", status=Standing.PENDING)
    subscriber("left@example.org", status=Standing.UNSUBSCRIBED)
    subscriber("elsewhere@example.org", topics=[other])
    suppressed = subscriber("suppressed@example.org")
    Subscriber.objects.filter(pk=suppressed.pk).update(status=Standing.ACTIVE)
    consent.end(suppressed, Standing.COMPLAINED)
    Subscriber.objects.filter(pk=suppressed.pk).update(status=Standing.ACTIVE)
    edition = approved()
    subscriber("late@example.org")
    editions.start(edition)
    rows = Delivery.objects.order_by("pk").values_list("address", "status", "topics")
    topics = sorted([category.pk, other.pk])
    assert list(rows) == [
        ("all@example.org", "pending", []),
        ("some@example.org", "pending", topics),
        ("late@example.org", "pending", []),
    ]
    assert edition.recipients == 3


def test_it_starts_once():
    subscriber("all@example.org")
    edition = started()
    assert refusal(editions.start, edition) == "What is sending cannot become sending."
    assert Delivery.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(
            edition=edition, subscriber=Subscriber.objects.get(), next_try=timezone.now()
        )


def test_it_is_done_when_no_delivery_is_open_and_without_anybody_at_once():
    subscriber("all@example.org")
    edition = started()
    assert not editions.finish(edition)
    Delivery.objects.update(status=DeliveryStatus.UNKNOWN)
    assert editions.finish(edition)
    edition.refresh_from_db()
    assert edition.status == Stage.DONE
    assert edition.ended_at


def test_what_is_unknown_is_settled_as_sent_or_sent_again():
    subscriber("one@example.org")
    subscriber("two@example.org")
    edition = started()
    Delivery.objects.update(status=DeliveryStatus.UNKNOWN)
    editions.finish(edition)
    one, two = Delivery.objects.order_by("pk")
    assert editions.settle_unknown(Delivery.objects.filter(pk=one.pk), as_sent=True) == 1
    assert editions.settle_unknown(Delivery.objects.filter(pk=one.pk), as_sent=False) == 0
    assert editions.settle_unknown(Delivery.objects.filter(pk=two.pk), as_sent=False) == 1
    edition.refresh_from_db()
    assert edition.status == Stage.SENDING
    assert editions.progress(edition).counts == {"sent": 1, "pending": 1}


def test_nobody_is_sent_again_what_has_no_address_any_more():
    for name in ("one", "two"):
        subscriber(f"{name}@example.org")
    edition = started()
    Delivery.objects.update(status=DeliveryStatus.UNKNOWN)
    editions.finish(edition)
    one, _ = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=one.pk).update(address="")  # as `retention` does after a while
    sentence = refusal(editions.settle_unknown, Delivery.objects.filter(pk=one.pk), False)
    assert "addresses" in sentence
    edition.refresh_from_db()
    assert edition.status == Stage.DONE
    assert editions.settle_unknown(Delivery.objects.all(), as_sent=False) == 1
    assert editions.progress(edition).counts == {"unknown": 1, "pending": 1}


def test_nothing_more_of_a_cancelled_edition_is_sent():
    subscriber("one@example.org")
    edition = started()
    Delivery.objects.update(status=DeliveryStatus.UNKNOWN)
    editions.cancel(edition)
    sentence = refusal(editions.settle_unknown, Delivery.objects.all(), False)
    assert "cancelled" in sentence
    assert Delivery.objects.get().status == DeliveryStatus.UNKNOWN


def test_progress_takes_three_queries(django_assert_num_queries):
    subscriber("one@example.org")
    edition = started()
    with django_assert_num_queries(3):
        found = editions.progress(edition)
    assert (found.recipients, found.open, found.handled, found.share) == (1, 1, 0, 0)
