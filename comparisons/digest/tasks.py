"""What workers do. Jobs carry nothing but their name: what is due, they ask the database."""

from contextlib import suppress

from django.db import transaction
from procrastinate import exceptions
from procrastinate.contrib.django import app


@app.task(name="digest.answer_sign_ups", queue="mail", queueing_lock="answer_sign_ups")
def answer_sign_ups() -> None:
    """Answer the sign-up forms that wait."""
    from . import consent

    consent.answer_sign_ups()


def answer_soon() -> None:
    """Have a worker answer the sign-up forms that wait; asking twice is as good as once."""
    # The savepoint keeps a caller's transaction whole when the job is there already.
    with suppress(exceptions.AlreadyEnqueued), transaction.atomic():
        answer_sign_ups.defer()
