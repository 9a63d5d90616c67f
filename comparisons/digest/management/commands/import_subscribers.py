"""Take a list of subscribers in: `manage.py import_subscribers FILE`."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.catalog.terminal import plain_ending, progress_of
from comparisons.digest import listing, suppressions
from comparisons.digest.csv_files import RefusedError
from comparisons.digest.listing import COLUMNS

STANDARD_INPUT = "-"


class Command(BaseCommand):
    """All of a list or nobody of it; importing the same again changes nothing."""

    help = (
        f"Add the subscribers of a CSV file ({','.join(COLUMNS)}); all of them or nobody. "
        "docs/operators.md describes the columns."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file and the option."""
        parser.add_argument("file", help="the CSV file, or - for standard input")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be added, and write nothing"
        )
        parser.add_argument(
            "--suppressions",
            action="store_true",
            help="the file is one of export_subscribers --suppressions",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the list. Raises CommandError with one sentence when it cannot."""
        source, dry_run = options["file"], options["dry_run"]
        of_suppressions = options["suppressions"]
        take_in: Any = suppressions.take_in if of_suppressions else listing.take_in
        with plain_ending("Nothing was written."):
            try:
                with _opened(source) as file:
                    taken = take_in(
                        file,
                        self.stderr.write,
                        size=_size(file),
                        dry_run=dry_run,
                        watch=progress_of,
                    )
            except OSError as error:
                if isinstance(error, BrokenPipeError):
                    raise
                reason = error.strerror or error
                raise CommandError(f"{source} cannot be read: {reason}.") from error
            except RefusedError as refused:
                errors = "1 error" if refused.count == 1 else f"{refused.count:,} errors"
                raise CommandError(f"{errors} in the list. Nothing was written.") from refused
        said = _suppressed(taken, dry_run) if of_suppressions else _added(taken, dry_run)
        self.stdout.write(f"{said} Nothing was written." if dry_run else said)


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if source == STANDARD_INPUT:
        yield sys.stdin.buffer
    else:
        with Path(source).open("rb") as file:
            yield file


def _size(file: BinaryIO) -> int | None:
    """Return how many bytes there are to read; None for a pipe."""
    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _added(taken: listing.Taken, dry_run: bool) -> str:
    people = "1 subscriber" if taken.added == 1 else f"{taken.added:,} subscribers"
    parts = [f"{'Would add' if dry_run else 'Added'} {people}."]
    if taken.known:
        verb = "was" if taken.known == 1 else "were"
        parts.append(f"{taken.known:,} {verb} there already, and nothing of theirs changes.")
    if taken.suppressed:
        verb = "is" if taken.suppressed == 1 else "are"
        parts.append(f"{taken.suppressed:,} {verb} suppressed, and not added.")
    return " ".join(parts)


def _suppressed(taken: suppressions.Taken, dry_run: bool) -> str:
    addresses = "1 address" if taken.added == 1 else f"{taken.added:,} addresses"
    parts = [f"{'Would suppress' if dry_run else 'Suppressed'} {addresses}."]
    if taken.known:
        verb = "was" if taken.known == 1 else "were"
        parts.append(f"{taken.known:,} {verb} suppressed already.")
    if taken.taken_off:
        verb = "would be" if dry_run else "is" if taken.taken_off == 1 else "are"
        parts.append(f"{taken.taken_off:,} of the subscribers {verb} taken off the list.")
    return " ".join(parts)
