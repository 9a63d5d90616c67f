"""The list of subscribers as CSV, in and out. docs/operators.md describes the columns.

An import reads its file once, line by line, into a temporary table; what is wrong is told as it is
found, and what the database can compare better than we can, it compares there. So a list of a
million takes no more memory than one of ten.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import OuterRef
from django.utils import timezone

from tools.models import Category

from .addresses import fingerprints, normal_address
from .csv_files import (
    Errors,
    Tell,
    Watch,
    cells_of,
    guarded,
    moment_of,
    physical_lines,
    unwatched,
    written,
)
from .models import Standing, Subscriber
from .querysets import SubscriberQuerySet

#: What every file has to have, and what an export has, too.
COLUMNS = ("email", "consented_at", "source", "topics")
STATUS = "status"
SOURCE_MOST = 200
#: How many lines of a file are written, and how many subscribers are fetched, in one go.
BATCH = 20_000
FETCH = 5_000


# Out


def lines(*, everybody: bool = False) -> Iterator[str]:
    """Return the list as CSV, line by line: those who get the digest, or everybody with a row."""
    subscribers = Subscriber.objects.all() if everybody else Subscriber.objects.wanting()
    # Within a transaction Postgres hands rows out as they are found.
    with transaction.atomic():
        yield from written(_cells(subscribers))


def _cells(subscribers: SubscriberQuerySet) -> Iterator[Sequence[str]]:
    yield [*COLUMNS, STATUS]
    topics = Subscriber.topics.through.objects.filter(subscriber=OuterRef("pk"))
    slugs = topics.order_by("category__slug").values("category__slug")
    rows = subscribers.order_by("pk").values_list(
        "email", "consented_at", "source", ArraySubquery(slugs), "status"
    )
    for email, consented_at, source, chosen, status in rows.iterator(chunk_size=FETCH):
        moment = consented_at.isoformat() if consented_at else ""
        yield [guarded(cell) for cell in (email, moment, source, " ".join(chosen), status)]


# In


@dataclass(frozen=True)
class Taken:
    """What became of the lines of a file."""

    added: int
    #: On the list already, whatever their standing; they stay as they are.
    known: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    email: str
    status: str
    consented_at: datetime | None
    source: str
    topics: list[int]


def take_in(
    file: BinaryIO,
    tell: Tell,
    *,
    size: int | None = None,
    dry_run: bool = False,
    watch: Watch = unwatched,
) -> Taken:
    """Add the subscribers that a file lists; all of them or nobody.

    Who has a row already stays as they are, and suppressed addresses are not added. `tell` is given
    every error with its line. Raises RefusedError when there was any.
    """
    errors = Errors(tell)
    topics = dict(Category.objects.values_list("slug", "pk"))
    with transaction.atomic(), _table():
        with connection.cursor() as cursor:
            with cursor.copy(_COPY) as copy:
                lines = watch(physical_lines(file), size, "Reading")
                for row in _rows(lines, topics, errors):
                    copy.write_row(
                        (
                            row.line,
                            row.email,
                            fingerprints(row.email),
                            row.status,
                            row.consented_at,
                            row.source,
                            row.topics,
                        )
                    )
            cursor.execute("CREATE UNIQUE INDEX ON digest_import (line)")
            cursor.execute("ANALYZE digest_import")
        for line, first in _repeated():
            errors(f"line {line}: the same address as in line {first}")
        errors.refuse()
        with connection.cursor() as cursor:
            # In this order: whoever is deleted in between is no row any more, but suppressed.
            cursor.execute(_DROP_KNOWN)
            known = cursor.rowcount
            cursor.execute(_DROP_SUPPRESSED)
            suppressed = cursor.rowcount
            cursor.execute("SELECT count(*), coalesce(max(line), 0) FROM digest_import")
            added, last = cursor.fetchone()
            if not dry_run:
                wanted, added = added, 0
                # What refers to a row is looked at with each batch, and not in one go at the end.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                starts = range(1, last + 1, BATCH)
                for start in watch(starts, len(starts), "Writing"):
                    cursor.execute(_WRITE, [start, start + BATCH - 1])
                    added += cursor.fetchone()[0]
                # Somebody else may have added them meanwhile.
                known += wanted - added
    return Taken(added, known, suppressed)


@contextmanager
def _table() -> Iterator[None]:
    """Have a temporary table while this lasts. A failed transaction takes it along."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE digest_import")


def _repeated() -> Iterator[tuple[int, int]]:
    """Return each line whose address stood in an earlier one, with that one."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_REPEATED)
        yield from cursor


# Reading


def _rows(lines: Iterable[bytes], topics: dict[str, int], tell: Tell) -> Iterator[_Row]:
    """Return the good rows of a file, and tell what is wrong with the others.

    It asks the database nothing, because its reader copies into it meanwhile.
    """
    # Today has begun in Auckland when it is still yesterday in UTC.
    latest = timezone.now() + timedelta(days=1)
    for line, cells in cells_of(lines, COLUMNS, [STATUS], tell):
        yield from _row(line, cells, topics, latest, tell)


def _row(
    line: int, cells: dict[str, str], topics: dict[str, int], latest: datetime, tell: Tell
) -> Iterator[_Row]:
    """Return the row of a line if all of it is right; tell everything that is wrong with it."""
    problems: list[str] = []
    status = cells.get(STATUS) or Standing.ACTIVE.value
    if status not in Standing.values:
        problems.append(f"status: not one of {', '.join(Standing.values)}")
    email = ""
    try:
        email = normal_address(cells["email"])
    except ValidationError as error:
        problems.append(f"email: {error.messages[0]}")
    moment = None
    if cells["consented_at"]:
        moment = moment_of(cells["consented_at"])
        if moment is None:
            problems.append("consented_at: not a date such as 2026-01-31 or 2026-01-31T10:00:00Z")
        elif moment > latest:
            problems.append("consented_at: in the future")
    elif status == Standing.ACTIVE:
        problems.append("consented_at: missing; nobody is on the list without having agreed to it")
    if not cells["source"]:
        problems.append("source: missing; say where they agreed to it")
    elif len(cells["source"]) > SOURCE_MOST:
        problems.append(f"source: more than {SOURCE_MOST} characters")
    slugs = dict.fromkeys(cells["topics"].split())
    if unknown := [slug for slug in slugs if slug not in topics]:
        problems.append(f"topics: no category {unknown[0][:50]!r}")
    if problems:
        tell(f"line {line}: {'; '.join(problems)}")
    else:
        chosen = [topics[slug] for slug in slugs]
        yield _Row(line, email, status, moment, cells["source"], chosen)


_CREATE = """
    CREATE TEMPORARY TABLE digest_import (
        line bigint NOT NULL,
        email text NOT NULL,
        fingerprints bytea[] NOT NULL,
        status text NOT NULL,
        consented_at timestamptz,
        source text NOT NULL,
        topics bigint[] NOT NULL
    ) ON COMMIT DROP
"""
_COPY = (
    "COPY digest_import (line, email, fingerprints, status, consented_at, source, topics) "
    "FROM STDIN"
)
_REPEATED = """
    SELECT line, first FROM (
        SELECT line, min(line) OVER (PARTITION BY email) AS first FROM digest_import
    ) AS lines
    WHERE line <> first ORDER BY line
"""
_DROP_KNOWN = """
    DELETE FROM digest_import i USING digest_subscriber s WHERE s.email = i.email
"""
_DROP_SUPPRESSED = """
    DELETE FROM digest_import WHERE line IN (
        SELECT marked.line
        FROM (SELECT line, unnest(fingerprints) AS mark FROM digest_import) AS marked
        JOIN digest_suppression s ON s.fingerprint = marked.mark
    )
"""
# Whoever bounced or complained elsewhere is suppressed here as well, as `consent.end` would do.
_WRITE = """
    WITH batch AS (
        SELECT * FROM digest_import WHERE line BETWEEN %s AND %s ORDER BY line
    ), new AS (
        INSERT INTO digest_subscriber
            (email, fingerprint, status, source, asked_at, consented_at, ended_at)
        SELECT email, fingerprints[1], status, source, coalesce(consented_at, now()), consented_at,
            CASE WHEN status NOT IN ('active', 'pending') THEN now() END
        FROM batch
        ON CONFLICT DO NOTHING
        RETURNING id, email, fingerprint, status
    ), chosen AS (
        INSERT INTO digest_subscriber_topics (subscriber_id, category_id)
        SELECT new.id, unnest(batch.topics) FROM new JOIN batch USING (email)
    ), kept_out AS (
        INSERT INTO digest_suppression (fingerprint, reason, suppressed_at)
        SELECT fingerprint, status, now() FROM new WHERE status IN ('bounced', 'complained')
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM new
"""
