"""Mail that is kept instead of sent, while no mail server is configured: for trying out."""

import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import models
from django.utils import timezone

from .addresses import masked

#: So many kept mails stay; older ones make room.
KEPT = 500


class KeptMail(models.Model):
    """A mail that would have been sent, as it would have arrived."""

    kept_at = models.DateTimeField(default=timezone.now)
    sender = models.CharField(max_length=320)
    recipient = models.CharField(max_length=320)
    subject = models.CharField(max_length=300)
    message = models.BinaryField(help_text="The whole message (RFC 5322).")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.subject


class KeepingBackend(BaseEmailBackend):
    """Django's interface to mail servers, for none: what is sent is kept, and shown in the desk."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep the messages, one for each recipient, and return how many messages there were."""
        for message in email_messages:
            raw: Any = message.message()
            for recipient in message.recipients():
                KeptMail.objects.create(
                    sender=message.from_email[:320],
                    recipient=recipient[:320],
                    subject=str(message.subject)[:300],
                    message=raw.as_bytes(linesep="\r\n"),
                )
                if _somebody_looks():
                    _print(recipient, message)
        newest = KeptMail.objects.values("pk")[KEPT : KEPT + 1]
        KeptMail.objects.filter(pk__lte=models.Subquery(newest)).delete()
        return len(email_messages)


def _somebody_looks() -> bool:
    """Whether a mail is printed: to a developer, who wants its link at hand, and into no log.

    What stands in a log is kept and passed on, and a mail holds the links of its recipient.
    """
    return settings.DEBUG or sys.stderr.isatty()


def _print(recipient: str, message: EmailMessage) -> None:
    """Print a mail's text, beside what a command prints; nothing in it may drive the terminal."""
    head = f"Kept, not sent, for {masked(recipient)}: {message.subject}"
    lines = [head, "-" * min(len(head), 79), *str(message.body).splitlines(), ""]
    plain = ("".join(sign if sign.isprintable() else " " for sign in line) for line in lines)
    print(*plain, sep="\n", file=sys.stderr, flush=True)
