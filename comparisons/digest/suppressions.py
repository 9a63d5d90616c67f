"""The suppressed addresses as CSV, out and in: hashes that are of no use without their SECRET_KEY.

So a file says which keys its hashes were made with, and is refused where one of them is unknown.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO

from django.db import connection, transaction
from django.utils import timezone

from . import consent
from .addresses import fingerprints
from .csv_files import Errors, Tell, Watch, cells_of, moment_of, physical_lines, unwatched, written
from .listing import BATCH, FETCH
from .models import Standing, Subscriber, Suppression, SuppressionReason

COLUMNS = ("fingerprint", "reason", "suppressed_at")
#: The reason of a line that is no address but stands for a SECRET_KEY.
KEY = "key"
#: What is hashed for that; no address is like it.
_NOBODY = "the key of this list"
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Taken:
    """What became of the lines of a file."""

    added: int
    known: int
    #: Those who were on the list with such an address, and are not any more.
    taken_off: int


def lines() -> Iterator[str]:
    """Return all suppressions as CSV, line by line, with the keys that they were made with."""
    with transaction.atomic():  # within one, Postgres hands rows out as they are found
        yield from written(_cells())


def _cells() -> Iterator[Sequence[str]]:
    yield COLUMNS
    yield from ((mark.hex(), KEY, "") for mark in fingerprints(_NOBODY))
    rows = Suppression.objects.order_by("pk").values_list(*COLUMNS)
    for mark, reason, suppressed_at in rows.iterator(chunk_size=FETCH):
        yield bytes(mark).hex(), reason, suppressed_at.isoformat()


def take_in(
    file: BinaryIO,
    tell: Tell,
    *,
    size: int | None = None,
    dry_run: bool = False,
    watch: Watch = unwatched,
) -> Taken:
    """Add the suppressions that a file lists, all or none, and take off the list whom they concern.

    `tell` is given every error with its line. Raises RefusedError when there was any.
    """
    errors, total, added = Errors(tell), 0, 0
    with transaction.atomic(), connection.cursor() as cursor:
        rows = _rows(watch(physical_lines(file), size, "Reading"), errors)
        while batch := list(islice(rows, BATCH)):
            marks, reasons, moments = map(list, zip(*batch, strict=True))
            cursor.execute(_WRITE, [marks, reasons, moments])
            added += cursor.rowcount
            total += len(batch)
        errors.refuse()
        taken_off = _take_off()
        transaction.set_rollback(dry_run)
    return Taken(added, total - added, taken_off)


def _rows(lines: Iterable[bytes], tell: Tell) -> Iterator[tuple[bytes, str, datetime]]:
    """Return the suppressions of a file, and tell what is wrong with it."""
    keys, has_key = {mark.hex() for mark in fingerprints(_NOBODY)}, False
    latest = timezone.now() + timedelta(days=1)  # clocks differ
    for line, cells in cells_of(lines, COLUMNS, [], tell):
        mark, reason = cells["fingerprint"].lower(), cells["reason"]
        moment = moment_of(cells["suppressed_at"])
        if not _FINGERPRINT.fullmatch(mark):
            tell(f"line {line}: fingerprint: not 64 hexadecimal digits")
        elif reason == KEY:
            has_key = True
            if mark not in keys:
                tell(
                    f"line {line}: made with a SECRET_KEY that is unknown here: put it into "
                    "SECRET_KEY_FALLBACKS"
                )
        elif not has_key:
            tell(f"line {line}: no line before says with which SECRET_KEY the list was made")
            return
        elif reason not in SuppressionReason.values:
            tell(f"line {line}: reason: not one of {', '.join(SuppressionReason.values)}")
        elif moment is None or moment > latest:
            tell(f"line {line}: suppressed_at: not a moment such as 2026-01-31T10:00:00Z")
        else:
            yield bytes.fromhex(mark), reason, moment


def _take_off() -> int:
    """Take off the list who is suppressed under any key: sending looks at one of them alone."""
    gone = 0
    standings = (Standing.ACTIVE, Standing.PENDING)
    people = Subscriber.objects.filter(status__in=standings).order_by("pk")
    last = 0
    while batch := dict(people.filter(pk__gt=last).values_list("pk", "email")[:FETCH]):
        last = max(batch)
        owners = {mark: pk for pk, email in batch.items() for mark in fingerprints(email)}
        found = Suppression.objects.filter(fingerprint__in=owners).values_list(
            "fingerprint", flat=True
        )
        for pk in sorted({owners[bytes(mark)] for mark in found}):
            consent.leave(pk)
            gone += 1
    return gone


_WRITE = """
    INSERT INTO digest_suppression (fingerprint, reason, suppressed_at)
    SELECT * FROM unnest(%s::bytea[], %s::text[], %s::timestamptz[])
    ON CONFLICT DO NOTHING
"""
