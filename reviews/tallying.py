"""Counting the votes again: what tallies have to be, and mending those that are not."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count as Rows
from django.db.models import Q

from .duels import DuelTally
from .votes import ScreenedTally, Standing, Tally

# One statement sees votes and tallies as they stood at one moment, whoever votes meanwhile.
_COMPARE: Mapping[type[ScreenedTally], str] = {
    Tally: """
SELECT tool_id, tally.ships, tally.skips, tally.quarantined, coalesce(votes.ships, 0),
    coalesce(votes.skips, 0), coalesce(votes.quarantined, 0), tally.rank, tally.contest,
    tally.agreement
FROM reviews_tally tally FULL JOIN (
    SELECT tool_id,
        count(*) FILTER (WHERE standing = 'counted' AND choice = 'ship') AS ships,
        count(*) FILTER (WHERE standing = 'counted' AND choice = 'skip') AS skips,
        count(*) FILTER (WHERE standing = 'quarantined') AS quarantined
    FROM reviews_vote GROUP BY tool_id
) votes USING (tool_id)
ORDER BY tool_id
""",
    DuelTally: """
SELECT tally.id, tally.lefts, tally.rights, tally.neithers, tally.quarantined,
    count(*) FILTER (WHERE standing = 'counted' AND choice = 'left'),
    count(*) FILTER (WHERE standing = 'counted' AND choice = 'right'),
    count(*) FILTER (WHERE standing = 'counted' AND choice = 'neither'),
    count(*) FILTER (WHERE standing = 'quarantined')
FROM reviews_dueltally tally LEFT JOIN reviews_duel duel ON duel.tally_id = tally.id
GROUP BY tally.id
ORDER BY tally.id
""",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A tally that is not what the votes add up to: its columns as kept, None for none, and true.

    `key` is its primary key: that of the tool, or of the tally of two.
    """

    kind: type[ScreenedTally]
    key: int
    kept: Mapping[str, int] | None
    true: Mapping[str, int]


def differences() -> Iterator[Difference]:
    """Yield the tallies that differ from the votes, or in what lists order by."""
    for kind, compare in _COMPARE.items():
        columns = (*kind.COLUMNS.values(), "quarantined")
        width = len(columns)
        with connection.cursor() as cursor:
            cursor.execute(compare)
            rows = cursor.fetchall()
        for key, *row in rows:
            kept = dict(zip(columns, row[:width], strict=True))
            true = dict(zip(columns, row[width : 2 * width], strict=True))
            if kept != true or _order(kind(**true)) != row[2 * width :]:
                yield Difference(kind, key, None if kept["quarantined"] is None else kept, true)


def _order(tally: ScreenedTally) -> list[float]:
    """Return what lists order by, as it has to be."""
    if not isinstance(tally, Tally):
        return []
    return [tally.count.rank, tally.count.contest, tally.count.agreement]


def mend(found: Iterable[Difference]) -> None:
    """Make these tallies what their votes add up to, each in a transaction of its own."""
    for difference in found:
        with transaction.atomic():
            if difference.kept is None:
                Tally.objects.bulk_create([Tally(tool_id=difference.key)], ignore_conflicts=True)
            tallies = difference.kind._default_manager.select_for_update(no_key=True)
            recount(tallies.get(pk=difference.key))


def recount(tally: ScreenedTally) -> None:
    """Set a tally, which the caller has locked, to what was cast on its subject."""
    counted = Q(standing=Standing.COUNTED)
    counts = tally.cast.aggregate(
        quarantined=Rows("pk", filter=Q(standing=Standing.QUARANTINED)),
        **{
            column: Rows("pk", filter=counted & Q(choice=choice))
            for choice, column in tally.COLUMNS.items()
        },
    )
    for column, number in counts.items():
        setattr(tally, column, number)
    tally.save()
