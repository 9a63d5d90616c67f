"""Take a catalog document in: `manage.py import_catalog FILE`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.catalog.changes import Changes
from comparisons.catalog.checking import unwatched
from comparisons.catalog.importing import RefusedError, import_document
from comparisons.catalog.loading import UnreadableError, load
from comparisons.catalog.terminal import plain_ending, progress
from tools.models import Tool


class Command(BaseCommand):
    """All of a document or nothing of it; importing the same again changes nothing."""

    help = "Add and change what a catalog document says (docs/catalog.md); all of it or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file and the options."""
        parser.add_argument("file", help="the document, or - for standard input")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print what would be added and changed, and write nothing",
        )
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing when there is any tool already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the document. Raises CommandError with one sentence when it cannot."""
        with plain_ending("Nothing was written."):
            if options["if_empty"] and Tool.objects.exists():
                self.stdout.write("There are tools already, so nothing was imported.")
                return
            self._import(options["file"], options["dry_run"])

    def _import(self, source: str, dry_run: bool) -> None:
        changes = Changes(self.stdout.write if dry_run else None)
        try:
            import_document(
                load(source),
                changes,
                dry_run=dry_run,
                # The lines of a dry run are its progress.
                watch=unwatched if dry_run else progress,
            )
        except UnreadableError as error:
            raise CommandError(str(error)) from error
        except RefusedError as refused:
            for problem in refused.problems:
                self.stderr.write(problem)
            count = len(refused.problems)
            errors = "1 error" if count == 1 else f"{count} errors"
            raise CommandError(f"{errors} in the document. Nothing was written.") from refused
        self.stdout.write(changes.summary(dry_run))
