"""Lanes: the connections over which an edition goes out, and how far each one has come.

A lane is held by one worker at a time, under a random token. It opens a small *window* of
deliveries and a *cursor* at its beginning, both in the statement that marks them as being sent,
which is committed before the first byte goes out. The cursor moves after each acceptance, and a
worker that cannot move it, because the lane is no longer its own, sends nothing more. So whoever
takes over a lane whose holder is silent knows: what lies before the cursor was sent, what lies
behind it was not, and of the one mail at the cursor nobody knows. A holder that was only slow finds
its token gone; the mail it was sending is that unknown one, which is never sent again by itself.

The cursor lives in an unlogged table, because it is written once a mail and need not outlive
Postgres: after a crash it is gone, and with it what is known of the open window, all of which is
unknown then. After an orderly restart it is still there.

Everything here is written as SQL: what matters is which rows one statement locks and marks.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction

#: The largest window: what is unknown at worst after a crash of Postgres, for each lane.
WINDOW = 50
#: A lane that was in trouble rests so long, twice as long each further time, at most REST_MOST.
REST = timedelta(seconds=5)
REST_MOST = timedelta(minutes=15)
#: More than HARD_MOST hard failures among the last BLOCK deliveries pause an edition.
BLOCK = 1000
HARD_MOST = 20
#: What an editor reads beside a delivery of which nobody knows.
LOST = "The worker that was sending it was lost before the server’s answer was written down."


class Lane(models.Model):
    """One connection to the mail server, over all workers and machines."""

    number = models.PositiveSmallIntegerField(primary_key=True)
    token = models.UUIDField(null=True, help_text="Who holds it.")
    held_at = models.DateTimeField(null=True, help_text="When its holder was last heard of.")
    edition = models.ForeignKey(
        "digest.Edition", models.SET_NULL, null=True, related_name="lanes", db_index=False
    )
    open_window = ArrayField(models.BigIntegerField(), default=list)
    resting_until = models.DateTimeField(null=True)
    strikes = models.PositiveSmallIntegerField(default=0, help_text="Troubles in a row.")
    trouble = models.CharField(max_length=300, blank=True, help_text="The last one.")
    tried = models.PositiveIntegerField(default=0, help_text="Deliveries since counting began.")
    hard_at = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        help_text="For each recent hard failure, how many deliveries of all lanes it came after.",
    )
    # Of the version before, which may still run beside this one; to be removed in the next.
    hard = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Lane {self.number}"


class Cursor(models.Model):
    """How far the holder of a lane has come in its window. The table is unlogged."""

    lane = models.OneToOneField(Lane, models.CASCADE, primary_key=True)
    token = models.UUIDField()
    position = models.PositiveSmallIntegerField(default=0)
    moved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.lane} at {self.position}"


class LaneLostError(Exception):
    """Somebody else has taken the lane over: nothing more may be sent in it."""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery in an open window."""

    pk: int
    subscriber: int
    address: str
    topics: tuple[int, ...]
    attempts: int
    first_try: datetime | None
    edition: int
    #: What a server answered the last time that it was not taken.
    reply: str

    @property
    def was_refused(self) -> bool:
        """Whether a server has refused it for good already, and an editor had it tried again."""
        return self.reply.startswith("5")


@dataclass(frozen=True, slots=True)
class Hold:
    """A lane in hand.

    Each method may be called again with the same arguments when the connection to Postgres was lost
    and nobody knows whether the first call was committed.
    """

    lane: int
    token: UUID

    def turn(
        self, accepted: Collection[int], size: int, tried: int = 0, hard: int = 0
    ) -> list[Due]:
        """Close the window and open the next one; return what is in it, nothing if nothing is due.

        `accepted` are the deliveries that the server took over since the last turn. What else is
        left of the old window, and of one that was opened without our learning of it, was not sent
        and is due again. `tried` and `hard` count what the old window brought.

        Raises LaneLostError.
        """
        window: list[Due] = []
        with transaction.atomic(), connection.cursor() as cursor:
            is_ours = self._settle(cursor, accepted)
            if is_ours:
                self._count(cursor, accepted, tried, hard)
                cursor.execute(_ON_DISK)
                cursor.execute(
                    "SELECT id FROM digest_edition WHERE status = 'sending' ORDER BY week"
                )
                for (edition,) in cursor.fetchall():
                    if window := self._open(cursor, edition, size):
                        break
        if not is_ours:
            raise LaneLostError
        return window

    def advance(self, position: int) -> None:
        """Move the cursor behind what was just accepted. Raises LaneLostError."""
        with connection.cursor() as cursor:
            cursor.execute(_ADVANCE, [position, self.lane, self.token])
            if cursor.rowcount:
                return
        # Postgres has crashed and the cursor with it, or the lane is no longer ours.
        with transaction.atomic(), connection.cursor() as cursor:
            if self._window(cursor) is None:
                raise LaneLostError
            cursor.execute(_PLACE, {**self._names, "position": position})

    def record(
        self,
        delivery: int,
        position: int,
        status: str,
        reply: str,
        next_try: datetime | None = None,
    ) -> bool:
        """Write down what became of a delivery that was not accepted; move the cursor behind it.

        Pending means that it is due again at `next_try`. Returns whether the lane is still ours;
        what is written down holds in either case, so it is not for an exception to undo.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            is_ours = self._window(cursor) is not None
            values: Any = {"id": delivery, "status": status, "reply": reply, "next_try": next_try}
            if not is_ours and next_try:
                # Unknown counts as ended, so the edition may be done by now.
                cursor.execute(_EDITION_OF, values)
                cursor.execute(_REOPEN, values)
            # Whoever took the lane over calls it unknown. We know better, and say so.
            cursor.execute(_RECORD, {**values, "was": "sending" if is_ours else "unknown"})
            if is_ours:
                # It may be in another lane's window before this one is closed.
                cursor.execute(_STRIKE, {**self._names, "position": position})
                cursor.execute(_PLACE, {**self._names, "position": position})
        return is_ours

    def release(
        self, accepted: Collection[int], trouble: str = "", tried: int = 0, hard: int = 0
    ) -> None:
        """Close the window and let go of the lane; the rest is as in `turn`.

        With trouble the lane rests, longer each time that nothing was accepted in between.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            if not self._settle(cursor, accepted):
                return
            self._count(cursor, accepted, tried, hard)
            cursor.execute(_RELEASE, self._names)
            if trouble:
                values: Any = {"trouble": trouble[:300], "rest": REST, "most": REST_MOST}
                cursor.execute(_REST, {**self._names, **values})

    @property
    def _names(self) -> dict[str, Any]:
        return {"lane": self.lane, "token": self.token}

    def _window(self, cursor: Any) -> list[int] | None:
        """Lock the lane and return its window; None where it is no longer ours."""
        cursor.execute(
            "SELECT open_window FROM digest_lane WHERE number = %(lane)s AND token = %(token)s"
            " FOR UPDATE",
            self._names,
        )
        row = cursor.fetchone()
        return row and row[0]

    def _settle(self, cursor: Any, accepted: Collection[int]) -> bool:
        """Write down what was accepted, put back the rest, and tell whether the lane is ours."""
        window = self._window(cursor)
        if accepted:
            was = "unknown" if window is None else "sending"
            cursor.execute(_SENT, {"ids": list(accepted), "was": was})
        if rest := set(window or ()) - set(accepted):
            cursor.execute(_BACK, {"ids": list(rest)})
        return window is not None

    def _count(self, cursor: Any, accepted: Collection[int], tried: int, hard: int) -> None:
        """Count what the window brought; what is too old to be counted is let go."""
        values: Any = {"tried": tried, "hard": hard, "block": BLOCK, "went": bool(accepted)}
        cursor.execute(_COUNT, {**self._names, **values})

    def _open(self, cursor: Any, edition: int, size: int) -> list[Due]:
        while True:
            cursor.execute(_OPEN, {**self._names, "edition": edition, "size": size})
            rows = cursor.fetchall()
            window = [
                Due(pk, subscriber, address, tuple(topics), attempts, first_try, edition, reply)
                for pk, subscriber, address, topics, attempts, first_try, reply, status in rows
                if status == "sending"
            ]
            # A window of nothing but people who have left is followed by another one.
            if window or not rows:
                return window


def take() -> Hold | None:
    """Take a lane that is free and rested, or one whose holder is silent; None if there is none.

    What a lost holder left behind is settled as the module says.
    """
    lease: Any = timedelta(seconds=settings.DIGEST_LEASE)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ADD, [settings.DIGEST_LANES])
        cursor.execute(_FIND, {"lanes": settings.DIGEST_LANES, "lease": lease})
        row = cursor.fetchone()
        if row is None:
            return None
        lane, holder, window, held_at = row
        if holder:
            # Locked, so that a holder who comes back to life cannot move it any more.
            cursor.execute(
                "SELECT position, moved_at < clock_timestamp() - %s, moved_at FROM digest_cursor"
                " WHERE lane_id = %s AND token = %s FOR UPDATE",
                [lease, lane, holder],
            )
            position, is_silent, moment = cursor.fetchone() or (None, True, held_at)
            if not is_silent:
                return None
            _settle_lost(cursor, window, position, moment)
        hold = Hold(lane, uuid4())
        cursor.execute(_HOLD, hold._names)
        cursor.execute(_PLACE, {**hold._names, "position": 0})
    return hold


def free_lanes() -> int:
    """Return how many lanes there is work for: something is due, or a holder has fallen silent."""
    lease: Any = timedelta(seconds=settings.DIGEST_LEASE)
    with connection.cursor() as cursor:
        cursor.execute(_FREE, {"lanes": settings.DIGEST_LANES, "lease": lease})
        return int(cursor.fetchone()[0])


def is_due() -> bool:
    """Whether any delivery of an edition that is being sent is due."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_IS_DUE}")
        return bool(cursor.fetchone()[0])


def clock() -> datetime:
    """Return what time it is by the one clock that all workers have in common."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def hard_failures() -> int:
    """Return how many of the last BLOCK deliveries of all lanes are hard failures.

    A window is counted as a whole, at its end.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HARD, {"block": BLOCK})
        return int(cursor.fetchone()[0])


def forget_failures() -> None:
    """Begin to count hard failures anew."""
    Lane.objects.update(tried=0, hard_at=[])


_IS_SILENT = "greatest(l.held_at, c.moved_at) < clock_timestamp() - %(lease)s"
_LANES = "digest_lane l LEFT JOIN digest_cursor c ON c.lane_id = l.number AND c.token = l.token"
_IS_RESTED = "(l.resting_until IS NULL OR l.resting_until <= clock_timestamp())"

_IS_DUE = """EXISTS (
    SELECT FROM digest_edition e JOIN digest_delivery d ON d.edition_id = e.id
    WHERE e.status = 'sending' AND d.status = 'pending' AND d.next_try <= now()
)"""

_ADD = """
    INSERT INTO digest_lane (number, open_window, strikes, trouble, tried, hard)
    SELECT number, '{}', 0, '', 0, 0 FROM generate_series(0, %s - 1) number
    ON CONFLICT DO NOTHING
"""
# What the lost have left behind comes first, even in lanes that the settings have done away with.
_FIND = f"""
    SELECT l.number, l.token, l.open_window, l.held_at FROM {_LANES}
    WHERE (l.token IS NOT NULL AND {_IS_SILENT})
        OR (l.token IS NULL AND l.number < %(lanes)s AND {_IS_RESTED})
    ORDER BY l.token IS NULL, l.number LIMIT 1 FOR UPDATE OF l SKIP LOCKED
"""  # noqa: S608 - SQL of ours
_HOLD = """
    UPDATE digest_lane SET token = %(token)s, held_at = clock_timestamp(), open_window = '{}'
    WHERE number = %(lane)s
"""
_PLACE = """
    INSERT INTO digest_cursor (lane_id, token, position, moved_at)
    VALUES (%(lane)s, %(token)s, %(position)s, clock_timestamp())
    ON CONFLICT (lane_id) DO UPDATE SET
        token = excluded.token, position = excluded.position, moved_at = excluded.moved_at
"""
_ADVANCE = """
    UPDATE digest_cursor SET position = %s, moved_at = clock_timestamp()
    WHERE lane_id = %s AND token = %s
"""
# A window that a crash of Postgres undoes would be opened, and sent, a second time.
_ON_DISK = """
    SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') IN ('off', 'local')
"""
# The delivery's row is the only lock; whoever has left since the freeze is not written to.
_OPEN = """
    WITH due AS (
        SELECT d.id, coalesce(s.status = 'active' AND NOT EXISTS (
            SELECT FROM digest_suppression p WHERE p.fingerprint = s.fingerprint
        ), false) AS is_wanted
        FROM digest_delivery d
        JOIN digest_edition e ON e.id = d.edition_id AND e.status = 'sending'
        LEFT JOIN digest_subscriber s ON s.id = d.subscriber_id
        WHERE d.edition_id = %(edition)s AND d.status = 'pending' AND d.next_try <= now()
        ORDER BY d.next_try, d.id LIMIT %(size)s FOR UPDATE OF d SKIP LOCKED
    ), marked AS (
        UPDATE digest_delivery d SET
            status = CASE WHEN due.is_wanted THEN 'sending' ELSE 'left' END,
            ended_at = CASE WHEN due.is_wanted THEN NULL ELSE now() END
        FROM due WHERE d.id = due.id
        RETURNING d.id, d.subscriber_id, d.address, d.topics, d.attempts, d.first_try,
            d.reply, d.status
    ), opened AS (
        UPDATE digest_lane SET edition_id = %(edition)s, held_at = clock_timestamp(),
            open_window = ARRAY(SELECT id FROM marked WHERE status = 'sending' ORDER BY id)
        WHERE number = %(lane)s
    ), placed AS (
        INSERT INTO digest_cursor (lane_id, token, position, moved_at)
        VALUES (%(lane)s, %(token)s, 0, clock_timestamp())
        ON CONFLICT (lane_id) DO UPDATE SET
            token = excluded.token, position = excluded.position, moved_at = excluded.moved_at
    )
    SELECT * FROM marked ORDER BY id
"""
_SENT = """
    UPDATE digest_delivery
    SET status = 'sent', attempts = attempts + 1, reply = '', ended_at = now()
    WHERE id = ANY(%(ids)s) AND status = %(was)s
"""
_BACK = """
    UPDATE digest_delivery SET status = 'pending', next_try = now()
    WHERE id = ANY(%(ids)s) AND status = 'sending'
"""
_UNKNOWN = """
    UPDATE digest_delivery
    SET status = 'unknown', attempts = attempts + 1, reply = %(reply)s, ended_at = %(moment)s
    WHERE id = ANY(%(ids)s) AND status = 'sending'
"""
_RECORD = """
    UPDATE digest_delivery
    SET status = %(status)s::text, reply = %(reply)s, attempts = attempts + 1,
        next_try = coalesce(%(next_try)s, next_try), first_try = coalesce(first_try, now()),
        ended_at = CASE WHEN %(status)s::text = 'pending' THEN NULL ELSE now() END
    WHERE id = %(id)s AND status = %(was)s
"""
# Locked first, because whoever is calling it done at this moment holds it.
_EDITION_OF = """
    SELECT FROM digest_edition WHERE id = (
        SELECT edition_id FROM digest_delivery WHERE id = %(id)s AND status = 'unknown'
    ) FOR UPDATE
"""
_REOPEN = """
    UPDATE digest_edition e SET status = 'sending', ended_at = NULL
    FROM digest_delivery d
    WHERE d.id = %(id)s AND d.status = 'unknown' AND e.id = d.edition_id AND e.status = 'done'
"""
_STRIKE = """
    UPDATE digest_lane SET open_window[%(position)s] = 0
    WHERE number = %(lane)s AND cardinality(open_window) >= %(position)s
"""
_COUNT = """
    WITH whole AS (SELECT sum(tried) + %(tried)s::int AS tried FROM digest_lane)
    UPDATE digest_lane l SET tried = l.tried + %(tried)s::int,
        hard_at = ARRAY(SELECT f FROM unnest(l.hard_at) f WHERE f > whole.tried - %(block)s)
            || array_fill(whole.tried, ARRAY[%(hard)s::int]),
        strikes = CASE WHEN %(went)s THEN 0 ELSE l.strikes END,
        trouble = CASE WHEN %(went)s THEN '' ELSE l.trouble END
    FROM whole WHERE l.number = %(lane)s
"""
_HARD = """
    SELECT count(*) FROM digest_lane, unnest(hard_at) f
    WHERE f > (SELECT sum(tried) FROM digest_lane) - %(block)s
"""
_RELEASE = "UPDATE digest_lane SET token = NULL, open_window = '{}' WHERE number = %(lane)s"
_REST = """
    UPDATE digest_lane SET trouble = %(trouble)s, strikes = least(strikes + 1, 20),
        resting_until = clock_timestamp() + least(%(rest)s * power(2, strikes), %(most)s)
    WHERE number = %(lane)s
"""
_FREE = f"""
    WITH lane AS (
        SELECT l.number, l.token IS NOT NULL AND {_IS_SILENT} AS is_silent,
            l.token IS NOT NULL OR NOT {_IS_RESTED} AS is_busy
        FROM {_LANES}
    )
    SELECT count(*) FILTER (WHERE is_silent) + CASE
        WHEN {_IS_DUE} THEN %(lanes)s - count(*) FILTER (WHERE is_busy AND number < %(lanes)s)
        ELSE 0 END
    FROM lane
"""  # noqa: S608 - SQL of ours


def _settle_lost(cursor: Any, window: list[int], position: int | None, moment: datetime) -> None:
    """Say of each delivery in a lost holder's window what is known of it.

    `moment` is when the holder was last heard of, which is where an editor looks in the log.
    """
    sent, unknown, rest = [], window, []
    if position is not None:
        sent, unknown, rest = (
            window[:position],
            window[position : position + 1],
            window[position + 1 :],
        )
    cursor.execute(_SENT, {"ids": sent, "was": "sending"})
    cursor.execute(_UNKNOWN, {"ids": unknown, "reply": LOST, "moment": moment})
    cursor.execute(_BACK, {"ids": rest})
