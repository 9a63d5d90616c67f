"""The confirm mail: what it says, and what became of sending it."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from email.charset import QP, Charset
from email.utils import format_datetime, make_msgid
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import css_inline
from anymail.exceptions import AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMultiAlternatives as Message
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from .models import Subscriber
from .tokens import CONFIRM_AGE, Purpose, link_for, token_for

#: What mail back ends raise when a server or a provider is away, or says no.
TROUBLE = (OSError, AnymailError)  # smtplib's own are OSErrors


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mail. Where nobody knows, it counts as sent: twice is worse than never."""

    #: Certainly not sent, and worth another try.
    is_unsent: bool = False
    #: The reason lies between us and the server, not with this one recipient.
    is_ours: bool = False
    #: The connection is of no use any more.
    is_broken: bool = False
    #: Why it is not simply sent, without anything that the other side wrote.
    reason: str = ""


def message_for(subscriber: Subscriber) -> Message:
    """Return the confirm mail to a subscriber. It holds nothing that a visitor typed."""
    context = {
        "confirm": link_for(Purpose.CONFIRM, subscriber.pk),
        "forget": settings.SITE_URL
        + reverse("digest-forget", args=[token_for(Purpose.PREFERENCES, subscriber.pk)]),
        "age": CONFIRM_AGE,
        "postal_address": settings.DIGEST_POSTAL_ADDRESS,
    }
    subject = " ".join(render_to_string("email/confirm.subject.txt", context).split())
    message = Message(
        subject,
        render_to_string("email/confirm.txt", context),
        settings.DIGEST_FROM,
        [subscriber.email],
        headers={
            "Auto-Submitted": "auto-generated",
            # Django's own says that nobody knows its time zone.
            "Date": format_datetime(timezone.now()),
            # Django's own would look up this machine's name, and tell it.
            "Message-ID": make_msgid(domain=urlsplit(settings.SITE_URL).hostname),
        },
    )
    message.attach_alternative(
        _inlined(render_to_string("email/confirm.html", context)), "text/html"
    )
    # Seven bits, for servers that cannot take eight.
    message.encoding = _charset()
    return message


def send(message: Message, connection: Any) -> Fate:
    """Send a mail over an open connection, and say what became of it."""
    has_begun = _watch(getattr(connection, "connection", None))
    try:
        connection.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        code, _ = next(iter(error.recipients.values()))
        return Fate(is_unsent=400 <= code < 500, is_ours=code == 421, reason=f"refused with {code}")
    except smtplib.SMTPResponseException as error:
        return Fate(is_unsent=True, is_ours=True, reason=f"the server said {error.smtp_code}")
    except AnymailRecipientsRefused:
        return Fate(reason="the provider refused the recipient")
    except AnymailError as error:
        code = error.status_code
        if code is None:  # the request may have arrived
            return Fate(is_broken=True, reason=f"unclear, {type(error).__name__}")
        return Fate(is_unsent=True, is_ours=True, reason=f"the provider said {code}")
    except OSError as error:
        if not has_begun():
            return Fate(is_unsent=True, is_ours=True, reason=f"not begun, {type(error).__name__}")
        return Fate(is_broken=True, reason=f"unclear, {type(error).__name__}")
    return Fate()


def _watch(server: Any) -> Callable[[], bool]:
    """Return what tells whether the content of a mail may have been on its way to a server.

    smtplib raises the same for a connection that was lost before that, when nothing was sent, and
    after it. Of what is not smtplib's nobody can say.
    """
    if not isinstance(server, smtplib.SMTP):
        return lambda: True
    begun: list[bool] = []

    def data(content: Any) -> Any:
        begun.append(True)
        return type(server).data(server, content)

    server.data = data  # type: ignore[assignment]
    return lambda: bool(begun)


def _charset() -> Any:
    charset = Charset("utf-8")
    charset.body_encoding = QP
    return charset


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    # Only what cannot be inlined stays: the colours of dark mode.
    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def _inlined(html: str) -> str:
    return _inliner().inline(html)
