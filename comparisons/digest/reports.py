"""What becomes of subscriber, delivery and suppression when somebody reports about a mail.

A report may come twice, late, or in any order; each of these functions may be called again. Whom
nobody knows here, nothing is written about.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from . import consent
from .models import Delivery, DeliveryStatus, Standing, Subscriber
from .replies import MAX_LENGTH

#: A mail that has left us, as far as we know; also one whose lane has not written it down yet.
_GONE = (DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.UNKNOWN)
#: A mail that waits because of an answer that was none, or of an editor who had it sent again.
_OPEN = (DeliveryStatus.UNKNOWN, DeliveryStatus.PENDING)


@dataclass(frozen=True)
class Report:
    """Whom a report is about: an address and, where the provider repeats it, our delivery's key."""

    address: str
    delivery: int | None = None
    reply: str = ""


@transaction.atomic
def bounced(report: Report) -> None:
    """Take an address off the list that no mail can reach, and suppress it."""
    delivery, subscriber = _find(report)
    _move(delivery, report.reply, DeliveryStatus.BOUNCED, (*_GONE, *_OPEN, DeliveryStatus.FAILED))
    if subscriber:
        consent.end(subscriber, Standing.BOUNCED, suppress=True)


@transaction.atomic
def complained(report: Report) -> None:
    """Take somebody off the list who called a mail of ours spam, and suppress the address."""
    delivery, subscriber = _find(report)
    before = (*_GONE, *_OPEN, DeliveryStatus.FAILED, DeliveryStatus.BOUNCED)
    _move(delivery, report.reply, DeliveryStatus.COMPLAINED, before)
    if subscriber:
        consent.end(subscriber, Standing.COMPLAINED, suppress=True)


@transaction.atomic
def left(report: Report) -> None:
    """Take somebody off the list who told the provider instead of us."""
    _, subscriber = _find(report)
    if subscriber:
        consent.leave(subscriber.pk)


@transaction.atomic
def undelivered(report: Report) -> None:
    """Write down that a mail did not arrive, for a reason that is not the address."""
    delivery, _ = _find(report)
    _move(delivery, report.reply, DeliveryStatus.FAILED, _GONE)


def taken(report: Report) -> None:
    """Write down that the provider has a mail of which that was not known.

    Only a delivery that the report names is meant: it may be about any mail to the address.
    """
    if report.delivery is not None and report.address:
        rows = Delivery.objects.filter(pk=report.delivery, address=report.address)
        # Nobody has tried a mail that waits for the first time.
        rows = rows.filter(status__in=_OPEN, attempts__gt=0)
        rows.update(status=DeliveryStatus.SENT, ended_at=timezone.now(), reply=_short(report.reply))


def _find(report: Report) -> tuple[int | None, Subscriber | None]:
    """Return the delivery's key and the subscriber, both locked, that a report is about.

    Without a key it is the newest mail that was sent to the address. A key counts only together
    with its address, because another site may use the same account with the provider and gets the
    same reports. The subscriber is locked first, as everywhere.
    """
    rows: Any = Subscriber.objects.select_for_update(no_key=True)
    subscriber = rows.filter(email=report.address).first()
    if subscriber is None:
        return None, None
    deliveries = Delivery.objects.select_for_update().filter(
        subscriber=subscriber, address=report.address
    )
    found = deliveries.filter(pk=report.delivery).first() if report.delivery is not None else None
    if found is None:
        sent = (DeliveryStatus.SENT, DeliveryStatus.UNKNOWN)
        found = deliveries.filter(status__in=sent).order_by("-edition__week").first()
    return (found.pk if found else None), subscriber


def _move(
    delivery: int | None, reply: str, status: DeliveryStatus, before: tuple[DeliveryStatus, ...]
) -> None:
    if delivery is None:
        return
    moment: datetime = timezone.now()
    Delivery.objects.filter(pk=delivery, status__in=before).update(
        status=status, ended_at=moment, reply=_short(reply)
    )


def _short(reply: str) -> str:
    return reply[:MAX_LENGTH]
