"""What workers do. Jobs carry nothing but their name: what is due, they ask the database."""

import logging
from contextlib import suppress

from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone
from procrastinate import exceptions
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from . import consent, editions, lanes, retention, sending
from .models import Edition, Stage

logger = logging.getLogger(__name__)


@app.periodic(cron="* * * * * */10")
@app.task(name="digest.look", queueing_lock="digest.look")
def look(timestamp: int = 0) -> None:
    """Start what is due, finish what is done, and see that every free lane has its job."""
    for edition in Edition.objects.due():
        try:
            editions.start(edition)
        except ValidationError as error:
            logger.error("Edition %s cannot start: %s", edition, " ".join(error.messages))
        except DatabaseError:
            # One that cannot start holds up no other; it is tried again at the next look.
            logger.exception("Edition %s did not start.", edition)
    for edition in Edition.objects.filter(status=Stage.SENDING):
        editions.finish(edition)
    for number in range(lanes.free_lanes()):
        with suppress(exceptions.AlreadyEnqueued), transaction.atomic():
            send_slice.configure(queueing_lock=f"digest.send_slice.{number}").defer()


@app.task(name="digest.send_slice")
def send_slice() -> None:
    """Send a slice of what is due, and ask for the next one."""
    if sending.send_slice() and lanes.is_due() and not sending.stopping.is_set():
        send_slice.defer()


@app.periodic(cron="*/5 * * * *")
@app.task(name="digest.propose", queueing_lock="digest.propose")
def propose(timestamp: int = 0) -> None:
    """Make this week's draft when its time has come."""
    editions.propose()


@app.periodic(cron="17 3 * * *")
@app.task(name="digest.forget_expired", queueing_lock="digest.forget_expired")
def forget_expired(timestamp: int = 0) -> None:
    """Delete what was kept only for a while, and the jobs of workers that were lost."""
    retention.forget_expired(timezone.now())
    # Procrastinate forgets such workers, not what they were at. Jobs of ours carry nothing.
    lost = ProcrastinateJob.objects.filter(status="doing", worker__isnull=True)
    lost.filter(task_name__startswith="digest.").delete()


@app.periodic(cron="* * * * *")
@app.task(name="digest.answer_sign_ups", queueing_lock="digest.answer_sign_ups")
def answer_sign_ups(timestamp: int = 0) -> None:
    """Answer the sign-up forms that wait, also those that an earlier try could not answer."""
    consent.answer_sign_ups(sending.stopping.is_set)


def answer_soon() -> None:
    """Have a worker answer the sign-up forms that wait; asking twice is as good as once."""
    # The savepoint keeps a caller's transaction whole when the job is there already.
    with suppress(exceptions.AlreadyEnqueued), transaction.atomic():
        answer_sign_ups.defer()
