"""The nightly rule on quarantined votes: `manage.py sweep_votes`."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from reviews.sweeping import sweep, tallies_to_sweep


class Command(BaseCommand):
    """Run it once a night. It can be interrupted and repeated at will."""

    help = "Release or reject the quarantined votes whose day is over (docs/operators.md)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Decide, and say on how many votes."""
        tallies = tqdm(
            tallies_to_sweep(), "Tallies", file=sys.stderr, disable=None, leave=False, unit=""
        )
        swept = sweep(tallies)
        self.stdout.write(f"Votes released: {swept.released}, rejected: {swept.rejected}.")
