"""How long what the digest stores is kept: `/privacy/` says it, `forget_expired` does it."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from .models import Delivery, Edition, SignUp, Standing, Subscriber

#: A sign-up that was answered, which holds no address any more.
ANSWERED_SIGN_UP = timedelta(days=2)
#: One that no worker could answer. After that nobody waits for the mail.
WAITING_SIGN_UP = timedelta(days=7)
#: Somebody who has never confirmed; their link has expired long before.
NEVER_CONFIRMED = timedelta(days=30)
#: Address and reply of a delivery, after its edition has ended.
DELIVERY_ADDRESS = timedelta(days=90)

#: So many deliveries are blanked in one transaction.
BATCH = 5000


class Forgotten(NamedTuple):
    """How many of each were deleted, or blanked."""

    sign_ups: int
    subscribers: int
    addresses: int


def forget_expired(now: datetime | None = None) -> Forgotten:
    """Delete what is past its time, and say how much. It may be interrupted and run at any time.

    Whom somebody is at in this moment is left for the next time.
    """
    now = now or timezone.now()
    sign_ups, _ = SignUp.objects.filter(
        Q(answered_at__isnull=False, asked_at__lt=now - ANSWERED_SIGN_UP)
        | Q(asked_at__lt=now - WAITING_SIGN_UP)
    ).delete()
    ended = Edition.objects.filter(forgotten_at=None, ended_at__lt=now - DELIVERY_ADDRESS)
    addresses = sum(_blank(edition, now) for edition in ended.only("pk").order_by("pk"))
    return Forgotten(sign_ups, _never_confirmed(now), addresses)


@transaction.atomic
def _never_confirmed(now: datetime) -> int:
    """Delete those who were asked long ago and never said yes. Nobody is suppressed for that."""
    long_ago = Q(asked_at__lt=now - NEVER_CONFIRMED) & (
        Q(confirm_sent_at=None) | Q(confirm_sent_at__lt=now - NEVER_CONFIRMED)
    )
    silent = Subscriber.objects.filter(long_ago, consented_at=None).exclude(
        status__in=[Standing.BOUNCED, Standing.COMPLAINED]
    )
    held = [row.pk for row in silent.select_for_update(skip_locked=True).only("pk")]
    Subscriber.objects.filter(pk__in=held).delete()
    return len(held)


def _blank(edition: Edition, now: datetime) -> int:
    """Take addresses and replies out of an edition's deliveries, and write down that it is done."""
    kept = Delivery.objects.filter(edition=edition).exclude(address="", reply="")
    count = 0
    while done := _blank_some(kept):
        count += done
    if not kept.exists():  # none that somebody else held
        Edition.objects.filter(pk=edition.pk).update(forgotten_at=now)
    return count


@transaction.atomic
def _blank_some(kept: QuerySet[Any]) -> int:
    batch = kept.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH]
    return Delivery.objects.filter(pk__in=list(batch)).update(address="", reply="")
