"""Sending an edition: one slice of deliveries over one lane, in windows, once to everybody."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from . import consent, editions, lanes
from .lanes import Due, Hold, LaneLostError
from .messages import Letter
from .models import DeliveryStatus, Edition, Stage, Standing, Subscriber
from .replies import Outcome, Reply, Step
from .transports import NoConnectionError, NotSentError, Transport, UnclearError, new_transport

logger = logging.getLogger(__name__)

#: A job sends so many deliveries, then makes room for others and is asked for anew.
SLICE = 2000
#: A window takes about so long, in seconds: that is how soon a pause is heard.
WINDOW_TIME = 5.0
#: What is refused for now is tried again after so long, twice as long each further time …
RETRY = timedelta(minutes=5)
#: … give or take this share, so that what was refused together does not return together …
JITTER = 0.2
#: … until so long after the first try.
RETRY_MOST = timedelta(hours=48)
#: How long to wait for Postgres to come back before giving the lane up, in seconds.
PATIENCE = 600
#: Texts of so many editions' topic sets are kept ready.
LETTERS = 32

#: Set when the process is to end: every lane stops after the mail it is sending.
stopping = threading.Event()

Result = TypeVar("Result")


def send_slice() -> int:
    """Send what is due over one free lane, up to SLICE deliveries; return how many were tried.

    0 means that there was no free lane, nothing due, or no mail server. Whatever happens to this
    process, or to Postgres, leaves each delivery once sent, or due, or unknown: see `lanes`.
    """
    hold = _persist(lanes.take)
    return _Slice(hold, new_transport()).run() if hold else 0


def retry_at(attempts: int, now: datetime) -> datetime:
    """Return when a mail that was refused for now is tried again, after so many attempts."""
    wait = RETRY * 2 ** min(attempts, 20)
    return now + wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret


@dataclass
class _Slice:
    """The sending of one slice over one lane."""

    hold: Hold
    transport: Transport
    accepted: list[int] = field(default_factory=list)
    #: Whose mails are in the open window.
    editions: set[int] = field(default_factory=set)
    #: Deliveries of the open window whose fate is known, and hard failures among them.
    tried: int = 0
    hard: int = 0
    total: int = 0
    started: float = 0.0

    def run(self) -> int:
        trouble = ""
        try:
            self._connect_and_send()
        except LaneLostError:
            logger.warning("Lane %s was taken over: this worker had been silent.", self.hold.lane)
        except _TroubleError as error:
            trouble = str(error)
            logger.warning("Lane %s rests: %s", self.hold.lane, trouble)
        finally:
            self.transport.close()
            _persist(lambda: self.hold.release(self.accepted, trouble, self.tried, self.hard))
        if trouble:  # servers hang up on whoever writes to many who are not there
            self._watch_failures()
        return self.total

    def _connect_and_send(self) -> None:
        if not _persist(lanes.is_due):
            return
        try:
            self.transport.open()
        except NoConnectionError as error:
            raise self._trouble(error.reply) from error
        size = _window_size(_pace())
        while self.total < SLICE and not stopping.is_set():
            turn = partial(self.hold.turn, self.accepted, size, self.tried, self.hard)
            window = _persist(turn)
            self.editions = {due.edition for due in window}
            self._watch_failures()
            self.accepted, self.tried, self.hard = [], 0, 0
            if not window:
                return
            began = time.monotonic()
            for position, due in enumerate(window):
                if stopping.is_set():
                    return
                self._send(due, position)
            spent = (time.monotonic() - began) / len(window)
            size = _window_size(spent)

    def _send(self, due: Due, position: int) -> None:
        """Send one delivery and write down what became of it; raise _TroubleError to stop here."""
        self._keep_pace()
        letter = self._letter_for(due)
        try:
            reply = self._hand_over(letter, due)
        except UnclearError as error:
            self._record(due, position, DeliveryStatus.UNKNOWN, error.reply)
            raise _TroubleError(str(error)) from error
        except NoConnectionError as error:
            raise self._trouble(error.reply) from error
        except NotSentError as error:
            self._try_later(due, position, error.reply)
            raise _TroubleError(str(error)) from error
        except BaseException as error:
            # A fault of ours: it may have been sent, and further mails may meet the same fault.
            what = Reply.read(0, f"A fault here: {type(error).__name__}", Step.MESSAGE)
            self._record(due, position, DeliveryStatus.UNKNOWN, what)
            _pause([due.edition], str(what))
            raise
        if reply.outcome == Outcome.SENT:
            self.accepted.append(due.pk)
            self._count()
            _persist(lambda: self.hold.advance(position + 1))
        elif reply.outcome == Outcome.SLOW:
            raise self._trouble(reply)
        elif reply.outcome == Outcome.BLOCKED:
            self._stop_for(due, position, reply)
        elif reply.outcome == Outcome.LATER:
            self._try_later(due, position, reply)
        elif reply.outcome == Outcome.BOUNCED:
            self._record(due, position, DeliveryStatus.BOUNCED, reply)
        else:
            self._record(due, position, DeliveryStatus.FAILED, reply)

    def _stop_for(self, due: Due, position: int, reply: Reply) -> None:
        """Pause everything because the server will not have us; for one recipient only once.

        When an editor goes on, whoever it was about comes after the others. What is refused again
        then is about them, and fails.
        """
        is_about_us = reply.step in (Step.CONNECT, Step.SENDER)
        if due.was_refused and not is_about_us:
            self._record(due, position, DeliveryStatus.FAILED, reply)
            return
        trouble = self._trouble(reply)
        if not is_about_us:
            moment = retry_at(due.attempts, _persist(lanes.clock))
            self._record(due, position, DeliveryStatus.PENDING, reply, moment)
        raise trouble

    def _letter_for(self, due: Due) -> Letter:
        try:
            return _persist(lambda: _letter(due.edition, due.topics))
        except DatabaseError:
            raise
        except Exception as error:
            # Every other mail would meet the same fault.
            _pause([due.edition], f"A fault here: {type(error).__name__}")
            raise

    def _hand_over(self, letter: Letter, due: Due) -> Reply:
        try:
            return self.transport.send(letter, due.address, due.subscriber, due.pk)
        except NoConnectionError:
            # The answer to an earlier mail closed the connection.
            self.transport.open()
            return self.transport.send(letter, due.address, due.subscriber, due.pk)

    def _try_later(self, due: Due, position: int, reply: Reply) -> None:
        """Have a delivery tried again, unless that has been done for too long."""
        now = _persist(lanes.clock)
        last = (due.first_try or now) + RETRY_MOST
        if now >= last:
            self._record(due, position, DeliveryStatus.FAILED, reply)
        else:
            moment = min(retry_at(due.attempts, now), last)
            self._record(due, position, DeliveryStatus.PENDING, reply, moment)

    def _record(
        self,
        due: Due,
        position: int,
        status: DeliveryStatus,
        reply: Reply,
        next_try: datetime | None = None,
    ) -> None:
        is_hard = status in (DeliveryStatus.BOUNCED, DeliveryStatus.FAILED)
        self._count(is_hard)

        @transaction.atomic
        def write() -> bool:
            if status == DeliveryStatus.BOUNCED:
                for subscriber in Subscriber.objects.filter(pk=due.subscriber):
                    consent.end(subscriber, Standing.BOUNCED)
            return self.hold.record(due.pk, position + 1, status, str(reply), next_try)

        if not _persist(write):
            raise LaneLostError

    def _count(self, is_hard: bool = False) -> None:
        self.total += 1
        self.tried += 1
        self.hard += is_hard

    def _watch_failures(self) -> None:
        """Pause the edition when too many addresses fail; what is in the window still goes out."""
        if self.hard and lanes.hard_failures() > lanes.HARD_MOST:
            _pause(
                self.editions,
                f"More than {lanes.HARD_MOST} of the last {lanes.BLOCK:,} mails failed for good.",
            )

    def _trouble(self, reply: Reply) -> "_TroubleError":
        """Return why the lane has to rest; where the server will not have us at all, pause."""
        if reply.outcome == Outcome.BLOCKED:
            sending = Edition.objects.filter(status=Stage.SENDING).values_list("pk", flat=True)
            _pause(sending, f"The mail server refuses us: {reply}")
        return _TroubleError(str(reply))

    def _keep_pace(self) -> None:
        """Wait until the rate allows one more mail; each lane has its share of it."""
        pause = self.started + _pace() - time.monotonic()
        if pause > 0:
            stopping.wait(pause)
        self.started = time.monotonic()


def _pace() -> float:
    """Return how many seconds of a lane each mail takes at least, by the rate."""
    return settings.DIGEST_LANES / settings.DIGEST_RATE if settings.DIGEST_RATE else 0.0


def _window_size(spent: float) -> int:
    """Return how many mails take about WINDOW_TIME when each takes so many seconds."""
    return max(1, min(lanes.WINDOW, int(WINDOW_TIME / max(spent, 1e-6))))


class _TroubleError(Exception):
    """The lane has to rest, for this reason."""


@lru_cache(maxsize=LETTERS)
def _letter(edition: int, topics: tuple[int, ...]) -> Letter:
    """Return the text for a topic set. What an edition says is frozen while it is sent."""
    return Letter.of(Edition.objects.get(pk=edition), topics)


def _pause(keys: Iterable[int], reason: str) -> None:
    for edition in Edition.objects.filter(pk__in=list(keys)):
        with suppress(ValidationError):  # somebody else has paused or cancelled it already
            editions.pause(edition, reason)


def _persist(write: Callable[[], Result]) -> Result:
    """Return what `write` returns, once Postgres is there to do it.

    After a lost connection nobody knows whether it was done, so it must bear being done twice.
    Raises the error of the database when PATIENCE ends, or when the process is to end.
    """
    deadline = time.monotonic() + PATIENCE
    pause = 0.1
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline or stopping.is_set():
                raise
            logger.warning("Postgres is away; trying again in %.1f s.", pause)
            connection.close()
            stopping.wait(pause)
            pause = min(pause * 2, 5)
