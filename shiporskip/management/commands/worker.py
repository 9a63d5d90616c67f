"""The digest's worker, with figures for Prometheus where they are wanted: `manage.py worker`."""

from typing import Any

from django.conf import settings

from comparisons.digest.management.commands import worker


class Command(worker.Command):
    """Any number of workers may run, on any number of machines. A signal ends it in order."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until a signal comes."""
        if settings.METRICS_PORT:
            from shiporskip import metrics

            metrics.serve_for_worker()
        super().handle(*args, **options)
