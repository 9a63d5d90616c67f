"""How the document, which has no word for it, speaks of what is scheduled."""

from django.utils import timezone

from tools.status import Publishable, Status


def waits(row: object) -> bool:
    """Whether a row is scheduled: published, but from a later moment on.

    An export calls it a draft, so that a copy of the site does not publish it early. An import
    that calls it a draft leaves the schedule alone.
    """
    return (
        isinstance(row, Publishable)
        and row.status == Status.PUBLISHED
        and row.published_at is not None
        and row.published_at > timezone.now()
    )
