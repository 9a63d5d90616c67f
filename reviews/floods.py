"""What editors see of suspicious votes: each tool's votes by the hour, drawn on the server."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count as Rows
from django.db.models.functions import TruncHour
from django.utils import timezone

from tools.models import Tool

from .votes import Standing, Suspicion, Tally, Vote

#: How far back a chart goes, in hours.
HOURS = 7 * 24
#: How many tools are looked at at once, the ones with the most quarantined votes.
TOOLS = 20
#: The drawing's own units: one bar an hour.
STEP, HEIGHT = 4, 80


@dataclass(frozen=True, slots=True)
class Bar:
    """The votes of one hour: what is counted stands on the ground, what is not stands on that."""

    start: datetime
    counted: int
    suspect: int
    x: int
    counted_height: float
    suspect_height: float

    @property
    def suspect_y(self) -> float:
        """Where the upper part begins, from the top."""
        return self.counted_y - self.suspect_height

    @property
    def counted_y(self) -> float:
        """Where the lower part begins, from the top."""
        return HEIGHT - self.counted_height


@dataclass(frozen=True, slots=True)
class Flood:
    """A tool with quarantined votes: why, how many, and its votes by the hour."""

    tool: Tool
    tally: Tally
    #: How many wait, by suspicion.
    suspicions: Sequence[tuple[Suspicion, int]]
    bars: Sequence[Bar]

    width = HOURS * STEP
    height = HEIGHT

    @property
    def description(self) -> str:
        """The chart in words."""
        if not self.bars:
            return "No vote in the last seven days."
        most = max(self.bars, key=lambda bar: bar.counted + bar.suspect)
        votes = sum(bar.counted + bar.suspect for bar in self.bars)
        suspect = sum(bar.suspect for bar in self.bars)
        return (
            f"Votes by the hour in the last seven days: {votes:,}, of which {suspect:,} are not "
            f"counted. The most in one hour were {most.counted + most.suspect:,}, {most.suspect:,} "
            f"of them not counted, from {most.start:%-d %b %Y, %H:%M} UTC on."
        )


def floods() -> list[Flood]:
    """Return the tools with the most quarantined votes, in three queries whatever there is."""
    end = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(hours=HOURS - 1)
    tallies: list[Any] = list(
        Tally.objects.filter(quarantined__gt=0)
        .select_related("tool")
        .order_by("-quarantined", "tool")[:TOOLS]
    )
    votes = Vote.objects.filter(tool__in=[tally.pk for tally in tallies]).order_by()
    waiting: dict[int, list[tuple[Suspicion, int]]] = defaultdict(list)
    for tool_id, suspicion, size in (
        votes.filter(standing=Standing.QUARANTINED)
        .values_list("tool", "suspicion")
        .annotate(size=Rows("pk"))
        .order_by("tool", "suspicion")
    ):
        waiting[tool_id].append((Suspicion(suspicion), size))
    hours: dict[int, dict[datetime, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for tool_id, hour, standing, size in (
        votes.filter(cast_at__gte=start)
        .annotate(hour=TruncHour("cast_at", tzinfo=UTC))
        .values_list("tool", "hour", "standing")
        .annotate(size=Rows("pk"))
    ):
        hours[tool_id][hour][standing != Standing.COUNTED] += size
    return [
        Flood(tally.tool, tally, waiting[tally.pk], _bars(hours[tally.pk], start))
        for tally in tallies
    ]


def _bars(hours: dict[datetime, list[int]], start: datetime) -> list[Bar]:
    top = max((sum(sizes) for sizes in hours.values()), default=1)
    return [
        Bar(
            start=hour,
            counted=counted,
            suspect=suspect,
            x=STEP * int((hour - start) / timedelta(hours=1)),
            counted_height=round(HEIGHT * counted / top, 1),
            suspect_height=round(HEIGHT * suspect / top, 1),
        )
        for hour, (counted, suspect) in sorted(hours.items())
    ]
