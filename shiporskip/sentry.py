"""Faults to Sentry, or to whatever speaks as it does. Imported only where SENTRY_DSN is set."""

from typing import Any

import sentry_sdk
from django.core.exceptions import ImproperlyConfigured
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.utils import BadDsn

from .logs import masked_parts, request_id


def report_to(dsn: str, environment: str) -> None:
    """Report what is logged as an error from now on, without anything of whoever was asking.

    Raises ImproperlyConfigured for a DSN that is none.
    """
    try:
        sentry_sdk.init(
            dsn,
            environment=environment,
            integrations=[DjangoIntegration(transaction_style="url", middleware_spans=False)],
            before_send=_stripped,
            send_default_pii=False,
            # What a function had in hand may be an address or a password.
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            auto_session_tracking=False,
            send_client_reports=False,
        )
    except BadDsn:
        raise ImproperlyConfigured(
            "SENTRY_DSN is not the address of a Sentry project: https://key@host/project."
        ) from None


def _stripped(event: Any, hint: Any) -> Any:
    """Keep of a request its method and its id, and of texts what a log may hold."""
    method = event.pop("request", {}).get("method")
    for personal in ("user", "breadcrumbs", "server_name"):
        event.pop(personal, None)
    # Whatever a line of the log carries beside its text, such as the request itself.
    event.pop("extra", None)
    event["tags"] = {**event.get("tags", {}), "request_id": request_id.get()}
    if method:
        event["tags"]["method"] = method
    return masked_parts(event)
