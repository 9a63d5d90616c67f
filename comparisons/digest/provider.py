"""Sending through a provider's API, or to the desk: any mail back end of Django but that for SMTP.

What a provider answers is put into the words of SMTP, so that one set of rules (`replies`) decides.
"""

import re
import ssl
from contextlib import suppress
from typing import Any

import requests
from anymail import exceptions as anymail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from . import readiness
from .addresses import masked
from .messages import Letter
from .replies import Reply, Step
from .transports import NoConnectionError, UnclearError

#: By this, reports name the delivery that they are about (`webhooks`).
DELIVERY = "delivery"

# SMTP's words for what an answer means; the step says that a refusal is about us.
_TAKEN, _LATER, _SLOW = 250, 451, 421
_NOBODY_THERE, _NEVER = (550, "5.1.1 "), (554, "")

#: A gateway gave up waiting for the provider, who may have taken the mail all the same.
#: 520 and 524 are Cloudflare's, which some providers stand behind.
_GATEWAYS = {502, 504, 520, 524}
#: Refusals of a whole request that are about this mail, if they speak of its recipient.
_BAD_REQUESTS = {400, 413, 422}
_ABOUT_RECIPIENT = re.compile(
    r"\b(to|recipients?)\b[^.]{0,60}\b(not a valid|invalid|valid) |"
    r"\binvalid\b[^.]{0,20}\b(to|recipients?)\b|personalizations\W+\d+\W+to",
    re.IGNORECASE,
)
#: Why Mandrill rejects a recipient (`reject_reason`), as far as it is about the recipient.
_MANDRILL_GONE = {"hard-bounce", "spam", "unsub", "custom", "invalid"}
_MANDRILL_LATER = {"soft-bounce"}
#: Amazon's errors that ask for less; some of them are a 400 otherwise.
_AMAZON_SLOW = {"TooManyRequestsException", "ThrottlingException", "Throttling"}
_AMAZON_LATER = {"LimitExceededException", "ConcurrentModificationException"}
#: Errors of boto3 before anything was sent, by name, because it may not be installed.
_AMAZON_UNSENT = {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"}
_AMAZON_SETTINGS = re.compile("Credential|Region|Param|Endpoint|Unauthorized|Token")


class BackendTransport:
    """A mail back end of Django, kept open; for a provider, one HTTP session."""

    def __init__(self) -> None:
        self._backend: Any = None

    def open(self) -> None:
        if self._backend:
            return
        try:
            backend = get_connection(fail_silently=False)
            backend.open()
        except Exception as error:  # whatever the library of a provider makes of its settings
            raise NoConnectionError(_fault(error)) from error
        self._backend = backend

    def send(self, letter: Letter, address: str, subscriber: int, delivery: int) -> Reply:
        if self._backend is None:
            raise NoConnectionError(Reply(0, "not connected", Step.CONNECT))
        message: Any = letter.email_for(address, subscriber, connection=self._backend)
        message.metadata = {DELIVERY: str(delivery)}
        message.tags = ["digest"]
        message.track_opens = message.track_clicks = False
        if readiness.provider() == "postmark":  # it would replace the Message-ID otherwise
            message.extra_headers["X-PM-KeepID"] = "true"
        try:
            self._backend.send_messages([message])
            return _accepted(message)
        except anymail.AnymailRecipientsRefused as error:
            return _hidden(_refused(error), address)
        except anymail.AnymailAPIError as error:
            try:
                return _hidden(_answered(error, address), address)
            except UnclearError:
                self.close()
                raise
        except anymail.AnymailInvalidAddress as error:
            return _hidden(Reply.read(_NEVER[0], str(error), Step.MESSAGE), address)
        except (anymail.AnymailError, ImproperlyConfigured) as error:
            return _hidden(_fault(error), address)

    def close(self) -> None:
        backend, self._backend = self._backend, None
        if backend is None:
            return
        with suppress(Exception):  # it is gone either way
            backend.close()


def _accepted(message: Any) -> Reply:
    """Return the answer to a mail that was taken, with the name that the provider gave it."""
    status = getattr(message, "anymail_status", None)
    if status is None:
        return Reply(_TAKEN, "kept for the desk")
    states = status.status or {"cancelled"}
    said = f"{' '.join(sorted(states))} {status.message_id or ''}"
    if states <= {"failed", "cancelled"}:
        return Reply.read(_NEVER[0], said, Step.MESSAGE)
    return Reply.read(_TAKEN, said, Step.MESSAGE)


def _refused(error: Any) -> Reply:
    """Return the answer to a mail whose recipient the provider does not want."""
    text = _text(error.response)
    reasons = set(re.findall(r'"reject_reason":\s*"([\w-]+)"', text))
    if reasons & _MANDRILL_LATER:
        return Reply.read(_LATER, text, Step.MESSAGE)
    if reasons and not reasons & _MANDRILL_GONE:  # unsigned, test-mode-limit: it is about us
        return Reply.read(550, text, Step.SENDER)
    code, prefix = _NOBODY_THERE
    return Reply.read(code, f"{prefix}{text}", Step.MESSAGE)


def _answered(error: Any, address: str) -> Reply:
    """Return the answer of a provider that took the request but not the mail.

    Raises NoConnectionError when nothing was sent, UnclearError when the mail may have been taken.
    """
    if isinstance(error.response, dict):  # boto3's
        return _amazon(error)
    status, text = error.status_code, _text(error.response)
    if status is None:
        return _without_answer(error)
    said = f"{status}: {text}"
    if status // 100 == 2 or status in _GATEWAYS:
        raise UnclearError(Reply.read(0, said, Step.MESSAGE))
    if status == 429:
        return Reply.read(_SLOW, said, Step.MESSAGE)
    if status // 100 == 5 or status in (408, 409, 425):
        return Reply.read(_LATER, said, Step.MESSAGE)
    if status in _BAD_REQUESTS and (
        address.lower() in text.lower() or _ABOUT_RECIPIENT.search(text)
    ):
        return Reply.read(_NEVER[0], said, Step.MESSAGE)
    # Wrong keys, an unknown sender, no credit: every other mail would be refused, too.
    return Reply.read(550, said, Step.SENDER)


def _amazon(error: Any) -> Reply:
    name = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{name}: {error.response.get('Error', {}).get('Message', '')}"
    if name in _AMAZON_SLOW or status == 429:
        return Reply.read(_SLOW, said, Step.MESSAGE)
    if name in _AMAZON_LATER or (status // 100 == 5 and status not in _GATEWAYS):
        return Reply.read(_LATER, said, Step.MESSAGE)
    if status // 100 != 4:
        raise UnclearError(Reply.read(0, said, Step.MESSAGE))
    return Reply.read(550, said, Step.SENDER)


def _without_answer(error: Any) -> Reply:
    """Say what a broken connection means, by how far it had come."""
    cause: Any = error.__cause__ or error
    name = type(cause).__name__
    lost = Reply.read(0, f"{name}: {_innermost(cause)}", Step.MESSAGE)
    if name in _AMAZON_UNSENT or _never_connected(cause):
        raise NoConnectionError(Reply(0, lost.text, Step.CONNECT)) from error
    is_settings = isinstance(cause, requests.RequestException) and isinstance(cause, ValueError)
    if is_settings or _AMAZON_SETTINGS.search(name):
        return _fault(cause)
    raise UnclearError(lost) from error


def _never_connected(cause: Any) -> bool:
    """Whether an error of `requests` came before the first byte of the request went out."""
    if isinstance(cause, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    if not isinstance(cause, requests.ConnectionError):
        return False
    reason = _innermost(cause)
    if isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return True
    fault = reason.args[0] if reason.args else None  # urllib3 wraps the error of `ssl`
    return isinstance(fault, ssl.SSLCertVerificationError) or (
        isinstance(fault, ssl.SSLError) and bool(re.search("HANDSHAKE|VERSION", fault.reason or ""))
    )


def _innermost(cause: Any) -> Any:
    """Return the error that urllib3 met, without the layers around it."""
    wrapped = cause.args[0] if getattr(cause, "args", ()) else cause
    return getattr(wrapped, "reason", None) or wrapped


def _fault(error: Exception) -> Reply:
    """Return what stands for an answer where our settings are at fault: nobody is mailed."""
    return Reply.read(550, f"{type(error).__name__}: {error}", Step.CONNECT)


def _text(response: Any) -> str:
    """Return what a provider said; its error pages may be long."""
    if response is None or isinstance(response, dict):
        return str(response or "")
    return response.content[:4000].decode("utf-8", "replace")


def _hidden(reply: Reply, address: str) -> Reply:
    """Return an answer that logs may hold: providers like to repeat the address."""
    text = re.sub(re.escape(address), masked(address), reply.text, flags=re.IGNORECASE)
    return Reply(reply.code, text, reply.step)
