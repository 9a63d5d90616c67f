"""How a mail gets to a server: over a connection that is kept open, in ready-made bytes."""

import smtplib
from contextlib import suppress
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import get_connection

from .messages import Letter, envelope_sender
from .replies import Reply, Step

#: How long to wait for a server's goodbye, in seconds.
QUIT_TIMEOUT = 5


class NotSentError(Exception):
    """The connection failed, and the mail was certainly not accepted."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class NoConnectionError(NotSentError):
    """There was no connection to begin with: it counts as no attempt for any mail."""


class UnclearError(NotSentError):
    """The connection failed after the whole mail had gone out: it may have been accepted."""


class Transport(Protocol):
    """A connection to whoever sends mail for us."""

    def open(self) -> None:
        """Connect, if there is no connection. Raises NoConnectionError."""

    def send(self, letter: Letter, address: str, subscriber: int, delivery: int) -> Reply:
        """Send one mail and return the answer. Raises NotSentError and UnclearError."""

    def close(self) -> None:
        """Disconnect; whatever goes wrong with that is no matter."""


def new_transport() -> Transport:
    """Return the transport for the mail settings of this site, not connected yet."""
    if settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend":
        return SmtpTransport()
    from .provider import BackendTransport  # it needs the libraries of providers

    return BackendTransport()


class SmtpTransport:
    """A connection to an SMTP server: opened by Django with all its settings, then used directly.

    Django builds every message anew, which costs many times what sending it does, and does not say
    whether a connection was lost before or after the final dot.
    """

    def __init__(self) -> None:
        self._smtp: smtplib.SMTP | None = None
        self._sender = ""

    def open(self) -> None:
        if self._smtp:
            return
        backend: Any = get_connection(fail_silently=False)
        try:
            backend.open()
            backend.connection.ehlo_or_helo_if_needed()
            self._smtp, self._sender = backend.connection, envelope_sender()
        except smtplib.SMTPResponseException as error:
            reply = Reply.read(error.smtp_code, error.smtp_error, Step.CONNECT)
            raise NoConnectionError(reply) from error
        except smtplib.SMTPNotSupportedError as error:  # no STARTTLS, no AUTH: settings are wrong
            raise NoConnectionError(Reply.read(530, str(error), Step.CONNECT)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NoConnectionError(_lost(error, Step.CONNECT)) from error

    def send(self, letter: Letter, address: str, subscriber: int, delivery: int) -> Reply:
        smtp = self._smtp
        if smtp is None:
            raise NoConnectionError(Reply(0, "not connected", Step.CONNECT))
        message = letter.bytes_for(address, subscriber)
        step = Step.SENDER
        try:
            # Both addresses are in their normal form, which smtplib would take long to find out.
            code, text = smtp.docmd("MAIL", f"FROM:<{self._sender}>")
            if code // 100 == 2:
                step = Step.RECIPIENT
                code, text = smtp.docmd("RCPT", f"TO:<{address}>")
            if step == Step.RECIPIENT and code // 100 == 2:
                step = Step.MESSAGE
                code, text = smtp.docmd("DATA")
            if code != 354:
                return self._refused(Reply.read(code, text, step))
            # When this fails, the final dot at the end of it is not on its way.
            smtp.send(message)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            # Servers close a connection that was idle for long, or that has carried enough.
            kind = NoConnectionError if step == Step.SENDER else NotSentError
            raise kind(_lost(error, step)) from error
        try:
            code, text = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise UnclearError(_lost(error, step)) from error
        reply = Reply.read(code, text, step)
        if code // 100 not in (2, 4, 5):  # no answer that the protocol knows
            self._drop()
            raise UnclearError(reply)
        if code == 421:
            self._drop()
        return reply

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        with suppress(OSError, smtplib.SMTPException):
            if smtp.sock:
                smtp.sock.settimeout(QUIT_TIMEOUT)
            smtp.quit()
        smtp.close()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp:
            smtp.close()

    def _refused(self, reply: Reply) -> Reply:
        """Return a refusal before the message, with the connection ready for the next or closed."""
        if reply.code // 100 not in (4, 5):
            self._drop()
            raise NotSentError(reply)
        if reply.code == 421:  # the server closes the connection (RFC 5321, 3.8)
            self._drop()
        elif self._smtp:
            try:
                self._smtp.rset()
            except (OSError, smtplib.SMTPException):
                self._drop()
        return reply


def _lost(error: Exception, step: Step) -> Reply:
    """Return what stands for the answer that never came."""
    return Reply.read(0, f"{type(error).__name__}: {error}", step)
