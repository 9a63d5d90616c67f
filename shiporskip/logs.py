"""What is written to standard error, and how: lines of text or of JSON, each with its request.

Both the settings and gunicorn's use it, so that their lines look alike; it needs neither.
"""

import logging
import re
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.json import JsonFormatter

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMATS = ("text", "json")

#: The request that is being answered, or the job that a worker does.
request_id: ContextVar[str] = ContextVar("request_id", default="-")

#: What no log may hold: addresses of people, and passwords in addresses of servers.
_EMAIL = re.compile(r"([\w.+%'-])[\w.+%':-]*@([\w-]+(?:\.[\w-]+)+)")
_ACCOUNT = re.compile(r"(?<=://)[^\s/@]*@")
#: What stands in a personal address and gives rights to whoever knows it.
_TOKEN = re.compile(r"(/digest/(?:confirm|leave|preferences)/|/preview/\w+/)[^\s/\"'\\]+")
#: What a terminal takes for orders, line ends among it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: What Django's and our own lines carry beside their text and must not be written out: a request's
#: text has its whole address.
_UNTOLD = {"request", "taskName"}


def masked(text: str) -> str:
    """Return a line without what no log may hold."""
    if "@" in text:
        text = _EMAIL.sub(r"\1…@\2", _ACCOUNT.sub("…@", text))
    return _TOKEN.sub(r"\1…", text) if "/" in text else text


def masked_parts(value: Any) -> Any:
    """Return what a list or a dictionary holds, each text in it masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {name: masked_parts(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [masked_parts(part) for part in value]
    return value


class TextFormatter(logging.Formatter):
    """One line for each event; a traceback follows on lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Write out what steers a terminal: no visitor's text begins a line or hides one."""
        record.message = _CONTROL.sub(lambda found: repr(found[0])[1:-1], record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class JsonLines(JsonFormatter):
    """One JSON object for each event, its traceback included."""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        # Before it is JSON, where `\u001b` may stand before an address as if it were part of it.
        return {name: masked_parts(value) for name, value in log_data.items()}


class OfRequest(logging.Filter):
    """Adds the request's id to a line, and replaces its address, which may be personal."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple):
            record.args = tuple(
                route_of(request) if isinstance(value, str) and value[:1] == "/" else value
                for value in record.args
            )
        return True


class Unforeseen(logging.Filter):
    """Drops what Django says of each 503, which is told once where it arises."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503


class Slow(logging.Filter):
    """Drops what gunicorn says of clients that are too slow: each is somebody's bad line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))


def route_of(request: Any) -> str:
    """Return the name of the address that was asked for, which never holds what stands in it."""
    match = getattr(request, "resolver_match", None)
    if match is None:
        return str(getattr(request, "route", "-"))
    return str(match.view_name if match.url_name else match.route or "-")


def logging_settings(level: str, form: str, *, access: bool) -> dict[str, Any]:
    """Return the configuration for `logging.config`, for Django as for gunicorn."""
    fields = "%(levelname)s %(name)s %(request_id)s"
    formatter: dict[str, Any] = {
        "()": TextFormatter,
        "format": f"%(asctime)s {fields}: %(message)s",
    }
    if form == "json":
        formatter = {
            "()": JsonLines,
            "format": f"{fields} %(message)s",
            "timestamp": "time",
            "rename_fields": {"levelname": "level", "name": "logger"},
            "reserved_attrs": [*_reserved(), *_UNTOLD],
            "json_ensure_ascii": False,
        }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "of_request": {"()": OfRequest},
            "unforeseen": {"()": Unforeseen},
            "slow": {"()": Slow},
        },
        "formatters": {"line": formatter},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["of_request"],
            },
            "nowhere": {"class": "logging.NullHandler"},
        },
        "root": {"handlers": ["stderr"], "level": level},
        # What readers and scanners ask for is no event, and the log keeps no addresses of theirs.
        # gunicorn warns of each malformed request with the reader's address, and of each HEAD,
        # whose body it drops as it should; axes warns of each mistyped password.
        "loggers": {
            "django.request": {"level": "ERROR", "filters": ["unforeseen"]},
            "modern_csrf": {"level": "ERROR"},
            "django.security": {"handlers": ["nowhere"], "propagate": False},
            "gunicorn": {"level": "ERROR"},
            "gunicorn.error": {
                "level": "ERROR",
                "handlers": ["stderr"],
                "filters": ["slow"],
                "propagate": False,
            },
            "axes": {"level": "ERROR"},
            "shiporskip.access": {"level": "INFO" if access else "CRITICAL"},
        },
    }


def _reserved() -> set[str]:
    """Return what each record has anyway."""
    return set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime"}
