"""The list of subscribers as CSV, in and out. docs/operators.md describes the columns.

An import reads its file once, line by line, into a temporary table; what is wrong is told as it is
found, and what the database can compare better than we can, it compares there. So a list of a
million takes no more memory than one of ten.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import OuterRef
from django.utils import timezone

from tools.models import Category

from .addresses import fingerprints, normal_address
from .models import Standing, Subscriber

#: What every file has to have, and what an export has, too.
COLUMNS = ("email", "consented_at", "source", "topics")
STATUS = "status"
#: The longest line that is read, in bytes; no subscriber needs more.
LINE_MOST = 20_000
SOURCE_MOST = 200
#: How many lines of a file are written, and how many subscribers are fetched, in one go.
BATCH = 20_000
FETCH = 5_000

Tell = Callable[[str], None]
#: Passes lines or numbers on, of so many bytes or pieces in all if known, and may show how far that
#: has come.
Watch = Callable[[Iterable[Any], int | None, str], Iterable[Any]]

# A cell that a spreadsheet would take for a formula gets an apostrophe in front, as does one that
# begins with an apostrophe, so that none is lost on the way back.
_FORMULA = "=+-@\t\r＝＋－＠'"


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet computes."""
    return f"'{cell}" if cell[:1] and cell[0] in _FORMULA else cell


def unguarded(cell: str) -> str:
    """Return a cell as it was before `guarded`."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in _FORMULA else cell


# Out


def lines(*, everybody: bool = False) -> Iterator[str]:
    """Return the list as CSV, line by line: those who get the digest, or everybody with a row."""
    topics = Subscriber.topics.through.objects.filter(subscriber=OuterRef("pk"))
    slugs = topics.order_by("category__slug").values("category__slug")
    subscribers = Subscriber.objects.all() if everybody else Subscriber.objects.wanting()
    rows = subscribers.order_by("pk").values_list(
        "email", "consented_at", "source", ArraySubquery(slugs), "status"
    )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, STATUS])
    # Within a transaction Postgres hands rows out as they are found.
    with transaction.atomic():
        for email, consented_at, source, topics, status in rows.iterator(chunk_size=FETCH):
            moment = consented_at.isoformat() if consented_at else ""
            cells = (email, moment, source, " ".join(topics), status)
            writer.writerow([guarded(cell) for cell in cells])
            if out.tell() > 50_000:
                yield _taken(out)
        yield _taken(out)


def _taken(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


# In


class RefusedError(Exception):
    """There are errors in a file, so many; all of them have been told, and nothing was written."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


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


def unwatched(items: Iterable[Any], total: int | None, what: str) -> Iterable[Any]:
    """Pass items on where nobody watches."""
    return items


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
    errors = 0
    topics = dict(Category.objects.values_list("slug", "pk"))

    def count(problem: str) -> None:
        nonlocal errors
        errors += 1
        tell(problem)

    with transaction.atomic(), _table():
        with connection.cursor() as cursor:
            with cursor.copy(_COPY) as copy:
                lines = watch(physical_lines(file), size, "Reading")
                for row in _rows(lines, topics, count):
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
            count(f"line {line}: the same address as in line {first}")
        if errors:
            raise RefusedError(errors)
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


class _UnreadableError(Exception):
    """What follows cannot be read; its text says why."""


def physical_lines(file: BinaryIO) -> Iterator[bytes]:
    """Return the lines of a file, none of which may be endless."""
    while line := file.readline(LINE_MOST + 1):
        yield line


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """Return lines as text, with a mark (a lone surrogate) in the place of what is not UTF-8."""
    for number, line in enumerate(lines, start=1):
        if len(line) > LINE_MOST:
            raise _UnreadableError(f"it has more than {LINE_MOST:,} bytes")
        text = line.decode("utf-8", "surrogateescape")
        yield text.removeprefix("\ufeff") if number == 1 else text


def cells_of(
    lines: Iterable[bytes], columns: Sequence[str], optional: Sequence[str], tell: Tell
) -> Iterator[tuple[int, dict[str, str]]]:
    """Return the lines of a file with their cells by column, and tell which cannot be read."""
    reader = csv.reader(_decoded(lines), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if header is None:
                header = [cell.strip().lower() for cell in cells]
                if problem := _wrong_header(header, columns, optional):
                    tell(f"line 1: {problem}")
                    return
            elif cells:
                named = dict(zip(header, (unguarded(cell).strip() for cell in cells), strict=False))
                if len(cells) != len(header):
                    tell(f"line {line}: {len(cells)} cells, where the header has {len(header)}")
                elif problem := _unprintable(named):
                    tell(f"line {line}: {problem}")
                else:
                    yield line, named
            line = reader.line_num + 1
    except (_UnreadableError, csv.Error) as error:
        tell(f"line {line}: cannot be read, nor what follows: {error}")
        return
    if header is None:
        tell(f"line 1: there is no header; it is {','.join(columns)}")


def _unprintable(cells: dict[str, str]) -> str:
    """Say which cells hold what is not to be looked at any closer."""
    problems = []
    for name, cell in cells.items():
        if not cell.isprintable():
            kind = "not UTF-8" if re.search("[\udc80-\udcff]", cell) else "control characters"
            problems.append(f"{name}: {kind}")
    return "; ".join(problems)


def _rows(lines: Iterable[bytes], topics: dict[str, int], tell: Tell) -> Iterator[_Row]:
    """Return the good rows of a file, and tell what is wrong with the others.

    It asks the database nothing, because its reader copies into it meanwhile.
    """
    # Today has begun in Auckland when it is still yesterday in UTC.
    latest = timezone.now() + timedelta(days=1)
    for line, cells in cells_of(lines, COLUMNS, [STATUS], tell):
        yield from _row(line, cells, topics, latest, tell)


def _wrong_header(header: list[str], columns: Sequence[str], optional: Sequence[str]) -> str:
    if len(set(header)) == len(header) and set(columns) <= set(header) <= {*columns, *optional}:
        return ""
    perhaps = f" (and perhaps {','.join(optional)})" if optional else ""
    hint = ", separated by commas" if len(header) == 1 else ""
    return f"the header is not {','.join(columns)}{perhaps}{hint}"


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


def moment_of(text: str) -> datetime | None:
    """Return a date or a moment, in UTC where it does not say otherwise; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


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
