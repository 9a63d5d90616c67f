"""Who is on the list: asking, confirming, leaving, choosing, and being forgotten. The one write.

Each of these is one transaction that locks its subscriber first and what hangs on it afterwards,
and saying the same again changes nothing. Whatever else locks deliveries and then needs one of
these calls it before, or in a transaction of its own. Only who deletes a subscriber locks the key
as well, so nobody else waits for an edition that is being frozen.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import get_connection
from django.db import transaction
from django.utils import timezone

from tools.models import Category

from . import confirming, readiness
from .addresses import fingerprint, fingerprints, masked
from .models import (
    Delivery,
    DeliveryStatus,
    SignUp,
    Standing,
    Subscriber,
    Suppression,
    SuppressionReason,
)
from .outbox import KeptMail

#: An address gets one confirm mail in so long, however often somebody asks.
CONFIRM_EVERY = timedelta(days=1)
#: A confirm mail that a server did not take waits as long as it has waited, within these.
LEAST_WAIT, MOST_WAIT = timedelta(minutes=5), timedelta(hours=12)

log = logging.getLogger(__name__)


class SuppressedError(Exception):
    """The address gets no mail from us, whoever asks for it."""


# Signing up


def ask(email: str, topics: Sequence[int], source: str, client: bytes | None) -> SignUp:
    """Write down that somebody typed this address, in its normal form, and nothing else.

    Nobody looks here whose it is, so that the answer and its time are the same for everybody. What
    it leads to is decided by `answer_sign_ups`; have that run soon with `tasks.answer_soon()`, once
    this is committed. `topics` are keys of categories, known or not; `source` is the page it
    happened on; `client` is the hash of `reviews.client_addresses`.
    """
    return SignUp.objects.create(email=email, topics=list(topics), source=source, client=client)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sign-up that has been answered on paper: what is to be sent, and the way back."""

    sign_up: int
    email: str
    topics: list[int]
    subscriber: int
    moment: datetime
    sent_before: datetime | None
    message: confirming.Message


def answer_sign_ups(is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Answer the sign-ups that wait: send confirm mails to whom they may be sent.

    Returns how many were answered. The rows that wait are blanked, so nothing of what was typed
    outlives the answer; a subscriber is made or kept `pending` where there is somebody to ask.

    No lock is held while a mail server is talked to. What is about to be sent is written down as
    sent, with the sign-up answered, in a transaction of its own before the first byte; when the
    server says no, that is taken back and the sign-up waits for another try. So a worker that is
    killed in between sends that one mail never rather than twice: at most one for each kill, whose
    address can ask again a day later. A server that cannot be reached is found out before anything
    is written, and costs nobody anything. While settings are missing without which no mail may
    leave, all of them wait. Between two mails `is_stopping` is asked whether to end.
    """
    answered = 0
    if not _waiting().exists():
        return answered
    if lacks := readiness.lacks():
        log.warning("Sign-ups wait: %s", " ".join(lacks))
        return answered
    connection = get_connection()
    try:
        connection.open()
        while not is_stopping() and (claim := _claim_next()) is not None:
            if isinstance(claim, _Claim):
                fate = confirming.send(claim.message, connection)
                if fate.reason:
                    log.warning("Confirm mail to %s: %s", masked(claim.email), fate.reason)
                if fate.is_unsent:
                    _postpone(claim)
                    if fate.is_ours:  # the next one would fare no better
                        break
                    continue
                if fate.is_broken:
                    _close(connection)
                    connection.open()
            answered += 1
    except confirming.TROUBLE as error:  # of opening, because sending says its own
        log.warning("Sign-ups wait, the mail server is away: %s", type(error).__name__)
    finally:
        _close(connection)
    return answered


def _close(connection: Any) -> None:
    with suppress(*confirming.TROUBLE):
        connection.close()


def _waiting() -> Any:
    now = timezone.now()
    return SignUp.objects.filter(answered_at__isnull=True, next_try__lte=now).order_by("pk")


@transaction.atomic
def _claim_next() -> _Claim | bool | None:
    """Answer the next sign-up and return what is to be sent for it; True if nothing is.

    None when no sign-up is left that another worker is not at.
    """
    row = _waiting().select_for_update(skip_locked=True).first()
    if row is None:
        return None
    claim = _claim(row)
    row.email, row.topics, row.answered_at = "", [], timezone.now()
    row.save(update_fields=["email", "topics", "answered_at"])
    return claim or True


def _claim(row: SignUp) -> _Claim | None:
    """Return the confirm mail that a sign-up leads to, or None if it leads to none."""
    known = _locked().filter(email=row.email).first()
    # Looked at behind the lock: whoever suppresses or deletes the address holds it too.
    if Suppression.objects.holds(fingerprints(row.email)):
        return None
    if known is None:
        new = Subscriber(email=row.email, fingerprint=fingerprint(row.email), source=row.source)
        # Another worker may be making the same one at this moment, and is waited for.
        Subscriber.objects.bulk_create([new], ignore_conflicts=True)
        known = _locked().get(email=row.email)
    if known.status == Standing.ACTIVE:
        return None  # and the topics stay: anybody can type somebody's address
    now, before = timezone.now(), known.confirm_sent_at
    known.topics.set(Category.objects.filter(pk__in=row.topics))
    known.source, known.asked_at = row.source, row.asked_at
    is_due = before is None or before <= now - CONFIRM_EVERY
    if is_due:
        known.confirm_sent_at = now
    known.save(update_fields=["source", "asked_at", "confirm_sent_at"])
    if not is_due:
        return None
    message = confirming.message_for(known)
    return _Claim(row.pk, row.email, list(row.topics), known.pk, now, before, message)


@transaction.atomic
def _postpone(claim: _Claim) -> None:
    """Take back that a confirm mail was sent, which was not, and let its sign-up wait."""
    row = SignUp.objects.select_for_update().filter(pk=claim.sign_up).first()
    if row is None:
        return
    Subscriber.objects.filter(pk=claim.subscriber, confirm_sent_at=claim.moment).update(
        confirm_sent_at=claim.sent_before
    )
    now = timezone.now()
    row.email, row.topics, row.answered_at = claim.email, claim.topics, None
    row.next_try = now + min(max(now - row.asked_at, LEAST_WAIT), MOST_WAIT)
    row.save(update_fields=["email", "topics", "answered_at", "next_try"])


@transaction.atomic
def confirm(pk: int) -> Subscriber:
    """Put somebody on the list who pressed the button behind the link of a confirm mail.

    Raises Subscriber.DoesNotExist when they were deleted, and SuppressedError when their address
    has been suppressed since the mail went out.
    """
    subscriber = _locked().get(pk=pk)
    if subscriber.status == Standing.ACTIVE:
        return subscriber
    if Suppression.objects.holds(fingerprints(subscriber.email)):
        raise SuppressedError
    subscriber.status = Standing.ACTIVE
    subscriber.consented_at, subscriber.ended_at = timezone.now(), None
    subscriber.save(update_fields=["status", "consented_at", "ended_at"])
    return subscriber


# Leaving, and what else is one's own


@transaction.atomic
def leave(pk: int) -> Subscriber | None:
    """Take somebody off the list, or keep them from it who has not confirmed; None if deleted.

    Whoever bounced or complained is off it already and stays so.
    """
    subscriber = _locked().filter(pk=pk).first()
    if subscriber and subscriber.status in (Standing.ACTIVE, Standing.PENDING):
        _end(subscriber, Standing.UNSUBSCRIBED)
    return subscriber


@transaction.atomic
def end(subscriber: Subscriber, standing: Standing, suppress: bool = True) -> None:
    """Take somebody off the list whose mail bounced or who complained of it.

    With `suppress` their address gets no mail from us any more, whoever signs it up. A complaint
    outweighs everything else, a bounce does not change that somebody has left. If they were
    deleted meanwhile, nothing is to be done.
    """
    found = _locked().filter(pk=subscriber.pk).first()
    if found is None:
        return
    if suppress:
        _suppress(found, SuppressionReason(standing.value))
    if standing == Standing.COMPLAINED or found.status in (Standing.ACTIVE, Standing.PENDING):
        _end(found, standing)


@transaction.atomic
def set_topics(pk: int, categories: Iterable[int]) -> Subscriber:
    """Let somebody read of these categories only, given by their keys; of none means of all.

    Keys that stand for nothing are ignored. Raises Subscriber.DoesNotExist when they were deleted.
    """
    subscriber = _locked().get(pk=pk)
    # Held, so that none of them is deleted before it is chosen.
    held = Category.objects.filter(pk__in=categories).order_by("pk")
    subscriber.topics.set(held.select_for_update(no_key=True))
    return subscriber


def personal_data(pk: int) -> dict[str, Any]:
    """Return everything that is stored about somebody, ready for JSON.

    Raises Subscriber.DoesNotExist when that is nothing.
    """
    subscriber = Subscriber.objects.prefetch_related("topics").get(pk=pk)
    moments = ("asked_at", "confirm_sent_at", "consented_at", "ended_at")
    deliveries = subscriber.deliveries.select_related("edition").order_by("pk")
    suppressions = Suppression.objects.filter(fingerprint__in=_fingerprints(subscriber))
    return {
        "email": subscriber.email,
        "status": subscriber.status,
        "topics": sorted(topic.slug for topic in subscriber.topics.all()),
        "source": subscriber.source,
        **{name: _written(getattr(subscriber, name)) for name in moments},
        "suppressions": [
            {"reason": row.reason, "suppressed_at": _written(row.suppressed_at)}
            for row in suppressions
        ],
        "sign_ups": [
            {"source": row.source, "topics": row.topics, "asked_at": _written(row.asked_at)}
            for row in SignUp.objects.filter(email=subscriber.email)
        ],
        "deliveries": [
            {
                "edition": row.edition.week,
                "address": row.address,
                "topics": row.topics,
                "status": row.status,
                "attempts": row.attempts,
                "ended_at": _written(row.ended_at),
                "reply": row.reply,
            }
            for row in deliveries
        ],
    }


@transaction.atomic
def forget(pk: int) -> None:
    """Delete somebody: what stays is the keyed hash that keeps mail from them, and counts.

    Their deliveries keep their rows, without address and reply.
    """
    subscriber = Subscriber.objects.select_for_update().filter(pk=pk).first()
    if subscriber is None:
        return
    _suppress(subscriber, SuppressionReason.DELETED)
    _let_go(subscriber)
    subscriber.deliveries.update(address="", reply="")
    # One that a worker is at waits for our lock, and finds the address suppressed then.
    waiting = SignUp.objects.filter(email=subscriber.email).select_for_update(skip_locked=True)
    SignUp.objects.filter(pk__in=[row.pk for row in waiting]).update(
        email="", topics=[], answered_at=timezone.now()
    )
    KeptMail.objects.filter(recipient=subscriber.email).delete()
    subscriber.delete()


def _locked() -> Any:
    return Subscriber.objects.select_for_update(no_key=True)


def _end(subscriber: Subscriber, standing: Standing) -> None:
    subscriber.status, subscriber.ended_at = standing, timezone.now()
    subscriber.save(update_fields=["status", "ended_at"])
    _let_go(subscriber)


def _let_go(subscriber: Subscriber) -> None:
    """Take a locked subscriber's mails out of the queue.

    One that a worker has in its hands at this moment is passed over: leaving waits for nobody, and
    who is on the list is looked at again before each window.
    """
    pending = subscriber.deliveries.filter(status=DeliveryStatus.PENDING)
    held = list(pending.select_for_update(skip_locked=True, of=("self",)).values_list("pk"))
    Delivery.objects.filter(pk__in=[pk for (pk,) in held]).update(
        status=DeliveryStatus.LEFT, ended_at=timezone.now()
    )


def _suppress(subscriber: Subscriber, reason: SuppressionReason) -> None:
    rows = [Suppression(fingerprint=mark, reason=reason) for mark in _fingerprints(subscriber)]
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)


def _fingerprints(subscriber: Subscriber) -> set[bytes]:
    """Return the present hash of an address, and the one it was stored with."""
    return {fingerprint(subscriber.email), bytes(subscriber.fingerprint)}


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
