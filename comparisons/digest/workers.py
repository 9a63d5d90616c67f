"""Whether any worker runs, by the signs of life that Procrastinate keeps of them."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

#: A worker gives a sign every ten seconds. Restarts and a Postgres that is away for a moment are
#: nothing to tell an editor of.
SILENT = timedelta(minutes=3)


def silence() -> str:
    """Return a sentence for an editor when no worker has been seen lately; empty when one has."""
    silent: Any = SILENT
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"silent": silent})
        seen_at, is_silent, now = cursor.fetchone()
    if not is_silent:
        return ""
    return (
        f"No worker has been seen {_since(seen_at, now)}: nothing is sent, and no sign-up is "
        "answered, until the operator starts one."
    )


def _since(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "so far"
    form = "%H:%M" if moment.date() == now.date() else "%-d %b %Y, %H:%M"
    return f"since {moment:{form}} UTC"


# A worker that ends in order takes its heartbeat with it, so what was last asked for at a time of
# the clock counts as well: only a worker asks for that, and `tasks.look` every ten seconds.
_SEEN = """
    WITH seen AS (
        SELECT greatest(
            (SELECT max(last_heartbeat) FROM procrastinate_workers),
            (SELECT to_timestamp(max(defer_timestamp)) FROM procrastinate_periodic_defers)
        ) AS moment
    )
    SELECT moment, coalesce(moment < now() - %(silent)s, true), now() FROM seen
"""
