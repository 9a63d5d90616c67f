"""Delete what was kept only for a while: `manage.py forget_expired`, once a night."""

from importlib import import_module
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from comparisons.models import Upload
from tools.changes import forget_changes


class Command(BaseCommand):
    """Nothing goes wrong without it: what has expired counts nowhere. It only takes up room."""

    help = (
        "Delete sessions that ended, failed log-ins that no longer count, old uploads, old marks."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete them, and say how many."""
        import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
        counted_since = timezone.now() - settings.AXES_COOLOFF_TIME
        attempts, _ = AccessAttempt.objects.filter(attempt_time__lte=counted_since).delete()
        uploads, _ = Upload.objects.expired().delete()
        forget_changes()
        self.stdout.write(
            f"Forgot the sessions that ended, {attempts} failed log-ins and {uploads} uploads."
        )
