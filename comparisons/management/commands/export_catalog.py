"""Print the catalog as a document: `manage.py export_catalog > catalog.json`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from comparisons.catalog.exporting import export_document
from comparisons.catalog.terminal import plain_ending, print_pieces


class Command(BaseCommand):
    """What import_catalog takes in, on standard output."""

    help = "Print the catalog as one document (docs/catalog.md), the same for the same catalog."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the option."""
        parser.add_argument(
            "--history",
            action="store_true",
            help="print every revision and price, oldest first, and not only what stands",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the document. Raises CommandError with one sentence when it cannot."""
        with plain_ending("The document is incomplete."):
            print_pieces(self.stdout, export_document(options["history"]))
