"""Put what a file holds in the place of the database: `manage.py restore FILE --confirm NAME`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from shiporskip.copies import CopyError, is_empty, orderly, restore


class Command(BaseCommand):
    """Readers are answered from the old database until the new one is complete."""

    help = "Restore a file of `backup`. What is in the database now is kept under another name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file's name and the consent."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--confirm", default="", help="the name of the database, if not empty")

    def handle(self, *args: Any, file: Path, confirm: str, verbosity: int, **options: Any) -> None:
        """Restore it, and say what to do then."""
        name = str(connection.settings_dict["NAME"])
        was_empty = is_empty()
        if not was_empty and confirm != name:
            raise CommandError(
                f"The database {name} is not empty. To put {file} in its place, say "
                f"CONFIRM={name} (manage.py: --confirm {name})."
            )
        try:
            with orderly():
                done = restore(file, quiet=not verbosity)
        except (CopyError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{name} is what {file} holds. Bring it up to this code: migrate.")
        if was_empty:
            self.stdout.write(f"The empty one is {done.kept}: drop it.")
        else:
            self.stdout.write(
                f"What it was is kept as {done.kept}. Drop that when you are sure: "
                f'DROP DATABASE "{done.kept}";'
            )
        if done.held:
            self.stdout.write(
                f"{done.held} edition(s) of the digest were on their way and are held: look in the "
                "desk, and in the mail server's log, before you send them on."
            )
