"""Counting the votes again: what tallies have to be, and mending those that are not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count as Rows
from django.db.models import Q

from .scorecards import Verdict
from .votes import Standing, Tally, Vote

# One statement sees votes and tallies as they stood at one moment, whoever votes meanwhile.
_COMPARE = """
SELECT tool_id, tally.ships, tally.skips, tally.quarantined, tally.rank, tally.contest,
    tally.agreement, coalesce(votes.ships, 0), coalesce(votes.skips, 0),
    coalesce(votes.quarantined, 0)
FROM reviews_tally tally FULL JOIN (
    SELECT tool_id,
        count(*) FILTER (WHERE standing = 'counted' AND choice = 'ship') AS ships,
        count(*) FILTER (WHERE standing = 'counted' AND choice = 'skip') AS skips,
        count(*) FILTER (WHERE standing = 'quarantined') AS quarantined
    FROM reviews_vote GROUP BY tool_id
) votes USING (tool_id)
ORDER BY tool_id
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A tally that is not what the votes add up to: (ships, skips, quarantined), kept and true."""

    tool_id: int
    kept: tuple[int, int, int] | None
    true: tuple[int, int, int]


def differences() -> Iterator[Difference]:
    """Yield the tallies that differ from the votes, or in what lists order by; by tool."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE)
        for tool_id, *row in cursor.fetchall():
            counts, order, true = tuple(row[:3]), tuple(row[3:6]), tuple(row[6:])
            count = Tally(ships=true[0], skips=true[1]).count
            if counts != true or order != (count.rank, count.contest, count.agreement):
                yield Difference(tool_id, None if counts[0] is None else counts, true)


def mend(tool_ids: Iterable[int]) -> None:
    """Make these tools' tallies what their votes add up to, each in a transaction of its own."""
    for tool_id in tool_ids:
        with transaction.atomic():
            Tally.objects.bulk_create([Tally(tool_id=tool_id)], ignore_conflicts=True)
            recount(Tally.objects.select_for_update(no_key=True).get(pk=tool_id))


def recount(tally: Tally) -> None:
    """Set a tally, which the caller has locked, to what the tool's votes add up to."""
    counted = Q(standing=Standing.COUNTED)
    counts = Vote.objects.filter(tool=tally.pk).aggregate(
        ships=Rows("pk", filter=counted & Q(choice=Verdict.SHIP)),
        skips=Rows("pk", filter=counted & Q(choice=Verdict.SKIP)),
        quarantined=Rows("pk", filter=Q(standing=Standing.QUARANTINED)),
    )
    tally.ships, tally.skips, tally.quarantined = (
        counts["ships"], counts["skips"], counts["quarantined"],
    )  # fmt: skip
    tally.save()
