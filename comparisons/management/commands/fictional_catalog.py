"""Print a large made-up catalog: `fictional_catalog 10000 | import_catalog -`."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from comparisons.catalog.fictional import fictional_document
from comparisons.catalog.terminal import plain_ending, print_pieces


def count(text: str) -> int:
    """Read a number of tools. Raises ArgumentTypeError where it is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise ArgumentTypeError(f"{text!r} is not a number of tools from 0 to 9999999")
    return int(text)


class Command(BaseCommand):
    """For measuring how the site behaves when it is large; nothing in it is real."""

    help = "Print a made-up catalog of N tools, always the same, to measure a large site with."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of tools."""
        parser.add_argument("tools", type=count, metavar="N", help="how many tools")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the document."""
        with plain_ending("The document is incomplete."):
            print_pieces(self.stdout, fictional_document(options["tools"]))
