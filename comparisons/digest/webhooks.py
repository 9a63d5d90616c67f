"""What a mail provider reports: bounces, complaints, departures. Anybody may post here.

anymail knows each provider's signatures and words. Only the provider that EMAIL_URL names has an
address, and only where a signature or WEBHOOK_SECRET proves that a report is its own.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from . import readiness, reports
from .addresses import MAX_LENGTH
from .provider import DELIVERY
from .replies import Outcome, Reply, Step
from .reports import Report

logger = logging.getLogger(__name__)

#: How long a provider waits before it reports again what we could not write down, in seconds.
RETRY_AFTER = 300


@csrf_exempt
def report(request: HttpRequest, esp: str) -> HttpResponse:
    """Take a provider's report. Only the configured provider has this address.

    Whatever is wrong with a report, nothing of it is written. A provider reports again what is
    answered with 5xx, so that is for our own troubles alone.
    """
    if esp != readiness.provider() or not settings.REPORTS_ARE_HEARD:
        raise Http404
    if request.method == "HEAD":  # Mandrill asks so whether anybody is here
        return HttpResponse()
    if request.method != "POST":
        answer = _answer(405, "Reports are posted.")
        answer["Allow"] = "POST, HEAD"
        return answer
    if settings.WEBHOOK_SECRET and "Authorization" not in request.headers:
        answer = _answer(401, "Set the user and password of WEBHOOK_SECRET in the address.")
        answer["WWW-Authenticate"] = 'Basic realm="reports"'
        return answer
    try:
        view = _view_of(esp)
    except Exception:
        logger.exception("Reports of %s cannot be taken with the present settings.", esp)
        return _later("The settings for reports are wrong; the log says why.")
    try:
        view.setup(request)
        view.run_validators(request)
        events = list(view.parse_events(request))
    except AnymailWebhookValidationFailure:
        logger.info("A report was refused that did not prove to be from %s.", esp)
        return _answer(403, f"This does not prove to be a report from {esp}.")
    except RequestDataTooBig:
        return _answer(413, f"A report has {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes at most.")
    except Exception as error:  # a library that reads what anybody may write
        logger.info("A report was no report of %s: %s.", esp, type(error).__name__)
        return _answer(400, f"This is not a report as {esp} writes them.")
    try:
        for event in events:
            tracking.send(sender=type(view), event=event, esp_name=view.esp_name)
    except (OperationalError, InterfaceError):
        return _later("The database is away.")
    return _answer(200, "Thank you.")


def _view_of(esp: str) -> Any:
    """Return anymail's view for the reports of a provider. Raises what anymail raises."""
    from anymail import urls  # it imports the code of every provider

    names = (f"{esp}_tracking_webhook", f"{esp}_webhook")
    [pattern, *_] = [pattern for pattern in urls.urlpatterns if pattern.name in names]
    return pattern.callback.view_class(**pattern.callback.view_initkwargs)


def _answer(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


def _later(text: str) -> HttpResponse:
    answer = _answer(503, text)
    answer["Retry-After"] = str(RETRY_AFTER)
    return answer


# What the events mean


@receiver(tracking, dispatch_uid="comparisons.digest")
def take(sender: Any, event: Any, **kwargs: Any) -> None:
    """Write down what an event says about one of our mails."""
    if not isinstance(event, AnymailTrackingEvent):
        return
    report = _report_of(event)
    kind, reason = event.event_type, event.reject_reason
    if not report.address:
        return
    if kind == EventType.COMPLAINED:
        reports.complained(report)
    elif kind == EventType.UNSUBSCRIBED:
        reports.left(report)
    elif kind == EventType.BOUNCED:
        _bounced(event, report)
    elif kind == EventType.REJECTED:  # the provider had heard it before
        if reason in (RejectReason.BOUNCED, RejectReason.INVALID):
            reports.bounced(report)
        elif reason == RejectReason.SPAM:
            reports.complained(report)
        elif reason == RejectReason.UNSUBSCRIBED:
            reports.left(report)
        else:
            reports.undelivered(report)
    elif kind == EventType.FAILED:
        reports.undelivered(report)
    elif kind in (EventType.QUEUED, EventType.SENT, EventType.DEFERRED, EventType.DELIVERED):
        reports.taken(report)


def _report_of(event: Any) -> Report:
    """Return whom an event is about; an empty address if that cannot be one of ours."""
    address = event.recipient if isinstance(event.recipient, str) else ""
    address = address.strip().lower()
    if len(address) > MAX_LENGTH or not address.isprintable():
        address = ""
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    key = str(metadata.get(DELIVERY, ""))
    said = event.mta_response or event.description or ""
    text = f"{event.event_type}: {said}" if said else str(event.event_type)
    return Report(
        address,
        int(key) if re.fullmatch(r"[0-9]{1,18}", key) else None,
        Reply.read(0, text, Step.MESSAGE).text,
    )


#: How providers call a bounce that says nothing final about the address, which anymail calls a
#: bounce like any other.
_SOFT = {
    "softbounce", "soft_bounce", "soft_bounced", "activity.soft_bounced", "soft bounce",
    "transient", "temporary", "undetermined", "blocked",
}  # fmt: skip
_KINDS = {"type", "event", "status", "severity", "bouncetype", "bounce_type"}
#: SparkPost's classes of bounces that are final.
_HARD_CLASSES = {"10", "30", "90"}
_SMTP = re.compile(r"\b([45][0-9][0-9])\b[ ;:-]*(.*)", re.DOTALL)


def _bounced(event: Any, report: Report) -> None:
    """Tell a mailbox that is not there from a mail that was not wanted or will come later."""
    if event.reject_reason == RejectReason.TIMED_OUT or _is_soft(event.esp_event):
        return
    found = _SMTP.search(str(event.mta_response or ""))
    if found:
        outcome = Reply.read(int(found[1]), found[2], Step.MESSAGE).outcome
        is_gone = outcome == Outcome.BOUNCED
    else:
        is_gone = event.reject_reason in (RejectReason.BOUNCED, RejectReason.INVALID)
    if is_gone:
        reports.bounced(report)
    else:
        reports.undelivered(report)


def _is_soft(node: Any, depth: int = 0) -> bool:
    """Whether a provider's own event calls a bounce soft, somewhere in it."""
    if depth > 5:
        return False
    if isinstance(node, list):
        return any(_is_soft(value, depth + 1) for value in node)
    if not isinstance(node, Mapping):
        return False
    for key, value in node.items():
        name, said = str(key).lower(), str(value).lower()
        if (
            (name in _KINDS and said in _SOFT)
            or (name == "bounce_class" and said not in _HARD_CLASSES)
            or (name == "hard_bounce" and said in ("false", "0"))
            or _is_soft(value, depth + 1)
        ):
            return True
    return False
