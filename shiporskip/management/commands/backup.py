"""Write the database to a file: `manage.py backup [FILE]`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from shiporskip.copies import CopyError, backup, orderly


class Command(BaseCommand):
    """Readers and workers go on meanwhile; the file is the state of one moment."""

    help = "Write the database to a file of pg_dump's custom format."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file's name."""
        parser.add_argument("file", nargs="?", type=Path)

    def handle(self, *args: Any, file: Path | None, verbosity: int, **options: Any) -> None:
        """Write it, and say where it is and how large."""
        name = f"ship-or-skip-{timezone.now():%Y-%m-%dT%H%M%SZ}.dump"
        file = file or settings.BASE_DIR / "backups" / name
        try:
            with orderly():
                size = backup(file, quiet=not verbosity)
        except (CopyError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file} ({size / 1e6:.1f} MB)")
