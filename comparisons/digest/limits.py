"""How many sign-ups are taken. Whose address was typed has no part in it, so it tells nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from .models import SignUp

#: The time in which they are counted.
WINDOW = timedelta(hours=1)
#: So many from one client, which may be a household or a small office.
PER_CLIENT = 5
#: So many from all together: what a flood can make us write to strangers.
OVERALL = 1000


def within_limits(client: bytes | None, write: Callable[[], Any]) -> datetime | None:
    """Have one more sign-up written if the limits allow it; else return from when on they will.

    Those of one moment are counted and written one after the other, or all of them would find the
    limit unreached. What is refused at first sight waits for nobody.
    """
    if end := _free_again(client):
        return end
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('digest.sign_up'))")
        end = _free_again(client)
        if end is None:
            write()
    return end


def _free_again(client: bytes | None) -> datetime | None:
    """Return from when on this client may sign somebody up again, None if it may now.

    A client whose address is unknown counts against the limit for all alone.
    """
    recent = SignUp.objects.filter(asked_at__gt=timezone.now() - WINDOW)
    ends = [_end(recent, OVERALL)]
    if client is not None:
        ends.append(_end(recent.filter(client=client), PER_CLIENT))
    return max((end for end in ends if end), default=None)


def _end(recent: QuerySet[Any], limit: int) -> datetime | None:
    """Return when the oldest of so many recent sign-ups stops counting."""
    newest = recent.order_by("-asked_at").values_list("asked_at", flat=True)
    asked_at = newest[limit - 1 : limit].first()
    return asked_at and asked_at + WINDOW
