"""Prove that tallies equal the votes: `manage.py check_tallies`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviews.duels import DuelTally
from reviews.tallying import differences, mend
from reviews.votes import Tally


class Command(BaseCommand):
    """Count all votes again and compare; votes may go on meanwhile."""

    help = "Compare every tally with the votes, and end with status 1 when one differs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the option."""
        parser.add_argument("--mend", action="store_true", help="set those that differ right")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what differs, and mend it if asked. Raises CommandError when something stays."""
        found = list(differences())
        for difference in found:
            kept, true = (
                ", ".join(f"{number} {column}" for column, number in counts.items())
                if counts
                else "none"
                for counts in (difference.kept, difference.true)
            )
            name = difference.kind._meta.verbose_name
            self.stdout.write(f"{name} {difference.key}: kept {kept}; the votes say {true}")
        if not found:
            self.stdout.write(
                f"All tallies equal the votes: {Tally.objects.count() + DuelTally.objects.count()}."
            )
        elif options["mend"]:
            mend(found)
            self.stdout.write(f"Tallies mended: {len(found)}.")
        else:
            raise CommandError(f"Tallies that differ: {len(found)}. --mend sets them right.")
