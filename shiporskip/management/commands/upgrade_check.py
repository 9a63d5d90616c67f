"""Try this code's migrations on a copy of the database: `manage.py upgrade_check [FILE]`."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection
from django.utils import timezone

from shiporskip.copies import CopyError, backup, orderly, restored
from shiporskip.trials import run_migrations


class Command(BaseCommand):
    """The copy is a database of the same server, which is dropped at the end."""

    help = "Run the new migrations on a copy of the database, and say how long each takes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a dump to be used instead of a new one."""
        parser.add_argument("file", nargs="?", type=Path, help="a file of `backup`, for the copy")

    def handle(self, *args: Any, file: Path | None, verbosity: int, **options: Any) -> None:
        """Try, and tell. Raises CommandError where a migration fails."""
        quiet = not verbosity
        name = f"{str(connection.settings_dict['NAME'])[:40]}_trial_{timezone.now():%Y%m%d%H%M%S}"
        try:
            with orderly(), tempfile.TemporaryDirectory(prefix="ship-or-skip-") as folder:
                if file is None:
                    file = Path(folder) / "copy.dump"
                    backup(file, quiet=quiet)
                with restored(file, name, quiet=quiet) as copy:
                    trials = run_migrations(copy, self.stdout.write)
        except (CopyError, OSError) as error:
            raise CommandError(str(error)) from error
        except Error as error:
            raise CommandError(f"A migration fails on the data that are there: {error}") from error
        if not trials:
            self.stdout.write("The database has all migrations of this code.")
        else:
            total = sum(trial.seconds for trial in trials)
            self.stdout.write(f"{len(trials)} migrations, {total:.2f} s. The copy is gone.")
