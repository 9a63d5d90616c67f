"""Delete what is past its time: `manage.py purge_votes`."""

from typing import Any

from django.core.management.base import BaseCommand

from reviews.purging import purge


class Command(BaseCommand):
    """Run it once a night, after sweep_votes, whose evidence it deletes."""

    help = "Delete past days' keys and address hashes that are old enough."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how much."""
        keys, hashes = purge()
        self.stdout.write(f"Deleted: {keys} day keys, {hashes} address hashes.")
