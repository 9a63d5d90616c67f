"""Delete what the digest kept only for a while: `manage.py forget_subscribers`, once a night."""

from typing import Any

from django.core.management.base import BaseCommand

from comparisons.digest.retention import forget_expired


class Command(BaseCommand):
    """What `/privacy/` promises; `retention` says for how long each thing is kept."""

    help = "Delete old sign-ups, addresses that were never confirmed, and those of old deliveries."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete them, and say how many."""
        forgot = forget_expired()
        self.stdout.write(
            f"Forgot {forgot.sign_ups} sign-ups, {forgot.subscribers} addresses that were never "
            f"confirmed, and the addresses of {forgot.addresses} deliveries."
        )
