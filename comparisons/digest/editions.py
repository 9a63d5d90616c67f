"""Editions, from the draft to the last mail: the acts of editors and of the clock.

Each act raises ValidationError, with a sentence for an editor, where it is not possible.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Min, QuerySet
from django.utils import timezone

from . import lanes, readiness
from .content import Content, suggest_subject, told_by
from .lanes import Lane
from .models import Delivery, DeliveryStatus, Edition, Stage, check_move
from .rendering import check_size, digest_of, render

#: A draft is proposed so long before its edition is due, for an editor to look at.
DRAFT_LEAD = timedelta(days=1)
#: The first edition tells what changed in so long a time.
FIRST_PERIOD = timedelta(days=7)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHANGED = (
    "What is in it has changed since you looked, so it was built again. Look at it once more, then "
    "approve it."
)
BLANKED = (
    "Nobody can be written to: the addresses of these deliveries were deleted. Say that they "
    "arrived, or leave them."
)
EMPTY = "There is nothing in it: nothing that it told of is public any more."


# When


def week_of(day: date) -> str:
    """Return the ISO 8601 week of a day: 2026-W48."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def slot_of(week: str) -> datetime:
    """Return when an approved edition of a week starts, by the setting DIGEST_SCHEDULE (UTC)."""
    weekday, clock = settings.DIGEST_SCHEDULE.lower().split()
    day = date.fromisocalendar(int(week[:4]), int(week[6:]), WEEKDAYS.index(weekday) + 1)
    hour, minute = clock.split(":")
    return datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=UTC)


def next_slot(now: datetime) -> tuple[str, datetime]:
    """Return this week and when its edition starts; a moment that has passed means at once."""
    week = week_of(now.astimezone(UTC).date())
    return week, slot_of(week)


# What is in it


def propose(now: datetime | None = None) -> Edition | None:
    """Make this week's draft if its time has come, there is none yet, and something changed.

    It asks what is due and does not rely on being called at a minute: late is as good as on time.
    """
    now = now or timezone.now()
    week, slot = next_slot(now)
    if now < slot - DRAFT_LEAD or Edition.objects.filter(week=week).exists():
        return None
    return draft(week, now)


def draft(week: str, now: datetime | None = None) -> Edition | None:
    """Make the draft of a week from what changed since the last edition; None if nothing did."""
    now = now or timezone.now()
    since = told_until() or now - FIRST_PERIOD
    content = Content.since(since, now, told_by(Edition.objects.told()))
    if content.is_empty:
        return None
    edition, is_new = Edition.objects.get_or_create(
        week=week,
        defaults={
            "since": since,
            "until": now,
            "content": content.to_json(),
            "subject": suggest_subject(content)[:150],
        },
    )
    return edition if is_new else None


def rebuild(edition: Edition, now: datetime | None = None) -> None:
    """Take into a draft what has changed since it was made.

    What an editor wrote stays; a subject that was only proposed is proposed anew.
    """
    now = now or timezone.now()
    with _locked(edition) as row:
        if row.status != Stage.DRAFT:
            raise ValidationError("Only a draft can be built again: what is approved is frozen.")
        row.since = told_until() or row.since
        row.until = now
        content = Content.since(row.since, now, told_by(Edition.objects.told()))
        if content.is_empty:
            raise ValidationError("Nothing has changed since the last edition.")
        if row.subject == suggest_subject(Content.from_json(row.content))[:150]:
            row.subject = suggest_subject(content)[:150]
        row.content = content.to_json()


def told_until() -> datetime | None:
    """Return up to when earlier editions have told everything; None before the first."""
    return Edition.objects.told().values_list("until", flat=True).first()


# The acts of editors


def approve(edition: Edition, by: str, starts_at: datetime | None, seen: str) -> None:
    """Freeze what a draft says, and have it sent from a moment on, at once if none is given.

    `seen` is the digest of what the editor looked at (`rendering.digest_of`). Where it would say
    something else by now, because a tool was withdrawn or somebody changed the introduction, it is
    built again and refused: nobody approves what they have not seen.
    """
    if readiness.is_configured() and (lacks := readiness.lacks()):
        raise ValidationError(lacks)
    now = timezone.now()
    if starts_at and starts_at < now - timedelta(minutes=1):
        raise ValidationError("This moment has passed. Leave it out to send it at once.")
    with _locked(edition, Stage.APPROVED) as row:
        looked_at = Content.from_json(row.content)
        content = Content.since(row.since, row.until, told_by(Edition.objects.told()), looked_at)
        row.content = content.to_json()
        rendering = render(row)
        check_size(rendering)
        row.html, row.text = rendering.html, rendering.text
        row.digest = digest_of(row.html, row.text)
        problem = EMPTY if content.is_empty else CHANGED if row.digest != seen else ""
        if problem:
            row.status, row.html, row.text, row.digest = Stage.DRAFT, "", "", ""
        else:
            row.starts_at, row.approved_by, row.approved_at = starts_at or now, by, now
    if problem:
        raise ValidationError(problem)


def unapprove(edition: Edition) -> None:
    """Make an approved edition a draft again, as long as it has not started."""
    with _locked(edition, Stage.DRAFT) as row:
        row.html = row.text = row.digest = row.approved_by = ""
        row.approved_at = row.starts_at = None


def pause(edition: Edition, reason: str = "") -> None:
    """Stop sending; each lane finishes its window at most. Readers keep what they got."""
    with _locked(edition, Stage.PAUSED) as row:
        row.pause_reason = reason[:300]


def resume(edition: Edition) -> None:
    """Go on sending where a pause stopped it."""
    if readiness.is_configured() and (lacks := readiness.lacks()):
        raise ValidationError(lacks)
    with _locked(edition, Stage.SENDING) as row:
        row.pause_reason, row.ended_at = "", None
    lanes.forget_failures()


def cancel(edition: Edition) -> None:
    """Never send it, or what is left of it; each lane finishes its window at most."""
    with _locked(edition, Stage.CANCELLED) as row:
        row.ended_at = timezone.now()


def settle_unknown(deliveries: QuerySet[Delivery], as_sent: bool) -> int:
    """Say of unknown deliveries of one edition that they arrived, or have them sent again.

    Returns how many there were. An edition that is done is sent on for them. One whose address has
    been deleted meanwhile (`retention`, `consent.forget`) stays unknown.
    """
    now = timezone.now()
    with transaction.atomic():
        unknown = deliveries.filter(status=DeliveryStatus.UNKNOWN)
        if as_sent:
            return unknown.update(status=DeliveryStatus.SENT, ended_at=now)
        is_any = unknown.exists()
        unknown = unknown.exclude(address="")
        if is_any and not unknown.exists():
            raise ValidationError(BLANKED)
        editions = list(
            Edition.objects.select_for_update().filter(pk__in=unknown.values("edition"))
        )
        for edition in editions:
            if edition.status == Stage.CANCELLED:
                raise ValidationError("This edition was cancelled: nothing more of it is sent.")
            if edition.status == Stage.DONE:
                edition.status, edition.ended_at = Stage.SENDING, None
                edition.save()
        return unknown.update(
            status=DeliveryStatus.PENDING, next_try=now, first_try=None, ended_at=None
        )


# The acts of the clock


def start(edition: Edition) -> None:
    """Freeze who gets an approved edition, and begin to send it: one transaction, one statement.

    That is everybody who is on the list at this moment and has chosen none of the topics or one
    that it tells of.
    """
    if readiness.is_configured() and (lacks := readiness.lacks()):
        raise ValidationError(lacks)
    with _locked(edition, Stage.SENDING) as row, connection.cursor() as cursor:
        row.started_at = timezone.now()
        topics = sorted(Content.from_json(row.content).categories)
        cursor.execute(_FREEZE, {"edition": row.pk, "topics": topics})
        row.recipients = cursor.rowcount
    lanes.forget_failures()


def finish(edition: Edition) -> bool:
    """Call an edition done when no delivery is open any more, and tell whether it is."""
    with transaction.atomic():
        row = Edition.objects.select_for_update().get(pk=edition.pk)
        if row.status != Stage.SENDING or Delivery.objects.filter(edition=row).waiting().exists():
            return False
        row.status, row.ended_at = Stage.DONE, timezone.now()
        row.save()
    return True


# Whoever is copied cannot be deleted before this is committed; leaving and everything else can go
# on, because it locks no key (`consent`). A deletion that is under way is waited for.
_FREEZE = """
    INSERT INTO digest_delivery
        (edition_id, subscriber_id, address, topics, status, attempts, next_try, reply)
    SELECT %(edition)s, s.id, s.email, coalesce(chosen.topics, '{}'), 'pending', 0, now(), ''
    FROM digest_subscriber s
    LEFT JOIN (
        SELECT subscriber_id, array_agg(category_id ORDER BY category_id) AS topics
        FROM digest_subscriber_topics GROUP BY subscriber_id
    ) chosen ON chosen.subscriber_id = s.id
    WHERE s.status = 'active'
        AND NOT EXISTS (SELECT FROM digest_suppression p WHERE p.fingerprint = s.fingerprint)
        AND (chosen.topics IS NULL OR chosen.topics && %(topics)s::bigint[])
    ORDER BY s.id
    FOR KEY SHARE OF s
    ON CONFLICT DO NOTHING
"""


# How far it has come


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a lane rests, and until when."""

    lane: int
    text: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an edition has come."""

    recipients: int
    counts: Counter[str]
    next_try: datetime | None
    troubles: list[Trouble]

    @property
    def open(self) -> int:
        """How many deliveries have no final status yet."""
        return self.counts[DeliveryStatus.PENDING] + self.counts[DeliveryStatus.SENDING]

    @property
    def handled(self) -> int:
        """How many deliveries have a final status."""
        return self.counts.total() - self.open

    @property
    def share(self) -> int:
        """How many of a hundred have a final status, rounded down: 100 means all."""
        total = self.counts.total()
        return self.handled * 100 // total if total else 0


def progress(edition: Edition) -> Progress:
    """Count an edition's deliveries and tell what holds it up, in three queries."""
    deliveries = Delivery.objects.filter(edition=edition)
    waiting = deliveries.filter(
        status=DeliveryStatus.PENDING, attempts__gt=0, next_try__gt=timezone.now()
    )
    resting = Lane.objects.filter(resting_until__gt=timezone.now()).order_by("number")
    return Progress(
        edition.recipients,
        deliveries.counts(),
        waiting.aggregate(next_try=Min("next_try"))["next_try"],
        [Trouble(lane.number, lane.trouble, lane.resting_until) for lane in resting],
    )


@contextmanager
def _locked(edition: Edition, to: Stage | None = None) -> Iterator[Edition]:
    """Yield the locked row, moved where the act leads; save it and bring `edition` up to date."""
    with transaction.atomic():
        row = Edition.objects.select_for_update().get(pk=edition.pk)
        if to:
            check_move(row.status, to)
            row.status = to
        yield row
        row.save()
    edition.refresh_from_db()
