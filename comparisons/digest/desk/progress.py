"""How far an edition has come, drawn as a bar. It is the same few queries whatever its size."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from comparisons.digest import editions
from comparisons.digest.models import DeliveryStatus, Edition, Stage

#: The drawing's own units; the page stretches it to its column.
WIDTH = 1000
#: What there is any of is drawn at least that wide, so that one in a million is seen.
LEAST = 6
#: In this order from left to right: what arrived, what will not, what is open.
ORDER = (
    DeliveryStatus.SENT,
    DeliveryStatus.LEFT,
    DeliveryStatus.FAILED,
    DeliveryStatus.BOUNCED,
    DeliveryStatus.COMPLAINED,
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.SENDING,
    DeliveryStatus.PENDING,
)
#: A look that lies longer back says nothing of how fast it goes now: there may have been a pause.
SAMPLE_MOST = timedelta(minutes=10)
#: What each of them means to an editor.
MEANINGS = {
    DeliveryStatus.SENT: "Taken over by the mail server",
    DeliveryStatus.LEFT: "Left the list before their turn",
    DeliveryStatus.FAILED: "Refused, or given up after two days",
    DeliveryStatus.BOUNCED: "No such mailbox",
    DeliveryStatus.COMPLAINED: "Called it spam",
    DeliveryStatus.UNKNOWN: "Nobody knows; you decide",
    DeliveryStatus.SENDING: "Being sent now",
    DeliveryStatus.PENDING: "Waits for its turn",
}


@dataclass(frozen=True, slots=True)
class Part:
    """The deliveries of one status."""

    status: DeliveryStatus
    count: int
    x: int
    width: int

    @property
    def count_text(self) -> str:
        """How many they are, as people read it."""
        return f"{self.count:,}"

    @property
    def label(self) -> str:
        """Its name, in a word."""
        return "Left" if self.status == DeliveryStatus.LEFT else str(self.status.label)

    @property
    def meaning(self) -> str:
        """What it means to an editor."""
        return MEANINGS[self.status]


@dataclass(frozen=True, slots=True)
class Sample:
    """How many deliveries had a final status at an earlier look."""

    at: datetime
    handled: int

    @classmethod
    def read(cls, query: Any) -> "Sample | None":
        """Return what the page says of its earlier look; None for what is nothing of the kind."""
        try:
            at, handled = parse_datetime(query.get("since", "")), int(query.get("handled", ""))
        except ValueError:
            return None
        return cls(at, handled) if at and at.tzinfo and handled >= 0 else None


@dataclass(frozen=True, slots=True)
class Picture:
    """An edition's progress, ready to be drawn."""

    edition: Edition
    progress: editions.Progress
    parts: list[Part]
    now: datetime
    #: Mails a second since an earlier look; None while nothing can be said.
    rate: float | None

    @classmethod
    def of(cls, edition: Edition, earlier: Sample | None = None) -> "Picture":
        """Count an edition's deliveries. `earlier` is an earlier look, to tell the rate from."""
        now = timezone.now()
        progress = editions.progress(edition)
        return cls(edition, progress, _parts(progress.counts), now, _rate(progress, earlier, now))

    @property
    def is_live(self) -> bool:
        """Whether it changes by itself."""
        return self.edition.status in (Stage.SENDING, Stage.PAUSED)

    @property
    def is_sending(self) -> bool:
        """Whether mails go out."""
        return self.edition.status == Stage.SENDING

    @property
    def rows(self) -> list[Part]:
        """Every status with its count, those of which there are none as well."""
        there = {part.status: part for part in self.parts}
        return [there.get(status, Part(status, 0, 0, 0)) for status in ORDER]

    @property
    def unknown(self) -> int:
        """How many wait for an editor's decision."""
        return self.progress.counts[DeliveryStatus.UNKNOWN]

    @property
    def recipients(self) -> str:
        """To how many it goes."""
        return f"{self.progress.recipients:,}"

    @property
    def rate_text(self) -> str:
        """How fast it goes; empty where nothing can be said."""
        if self.rate is None or not self.is_sending:
            return ""
        if self.rate < 0.05:
            return "nothing went out lately"
        return f"{self.rate:,.0f} a second" if self.rate >= 10 else f"{self.rate:.1f} a second"

    @property
    def remaining(self) -> str:
        """About how long it still takes, in words; empty where nothing can be said."""
        if not self.is_sending or not self.rate or not self.progress.open:
            return ""
        left = timedelta(seconds=self.progress.open / self.rate)
        if left < timedelta(minutes=1):
            return "less than a minute"
        minutes = round(left.total_seconds() / 60)
        if minutes < 120:
            return f"about {minutes} minute{'s' if minutes > 1 else ''}"
        return f"about {round(minutes / 60)} hours"

    @property
    def description(self) -> str:
        """The bar in words."""
        counts = ", ".join(f"{part.count:,} {part.status.value}" for part in self.parts)
        return f"{self.progress.share}% done: {counts or 'no deliveries'}"


def _parts(counts: Any) -> list[Part]:
    """Return what there is any of, side by side over the whole width."""
    there = [(status, counts[status]) for status in ORDER if counts[status]]
    total = sum(count for _, count in there)
    widths = [max(LEAST, WIDTH * count // total) for _, count in there]
    if widths:  # what was rounded comes from the widest
        widest = widths.index(max(widths))
        widths[widest] += WIDTH - sum(widths)
    parts, x = [], 0
    for (status, count), width in zip(there, widths, strict=True):
        parts.append(Part(status, count, x, width))
        x += width
    return parts


def _rate(progress: editions.Progress, earlier: Sample | None, now: datetime) -> float | None:
    if earlier is None:
        return None
    since = now - earlier.at
    done = progress.handled - earlier.handled
    if done < 0 or not timedelta(seconds=1) <= since <= SAMPLE_MOST:
        return None
    return done / since.total_seconds()
