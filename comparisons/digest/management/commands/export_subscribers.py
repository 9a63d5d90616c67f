"""Print the list of subscribers: `manage.py export_subscribers > subscribers.csv`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from comparisons.catalog.terminal import plain_ending, print_pieces
from comparisons.digest import listing, suppressions


class Command(BaseCommand):
    """What import_subscribers takes in, on standard output."""

    help = "Print those who get the digest as CSV (docs/operators.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the option."""
        parser.add_argument(
            "--all",
            action="store_true",
            help="print also who has not confirmed, has left, bounced or complained",
        )
        parser.add_argument(
            "--suppressions",
            action="store_true",
            help="print the hashes of the addresses that get no mail instead",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the list. Raises CommandError with one sentence when it cannot."""
        with plain_ending("The list is incomplete."):
            print_pieces(
                self.stdout,
                suppressions.lines()
                if options["suppressions"]
                else listing.lines(everybody=options["all"]),
            )
