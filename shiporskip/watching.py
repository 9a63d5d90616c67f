"""What is noted of each request and each job: an id, a line if wanted, figures if wanted."""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .logs import request_id, route_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]

HEADER = "X-Request-ID"
#: What a proxy may call a request; anything else might be made up to be read in a log.
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

access_log = logging.getLogger("shiporskip.access")


def watched(get_response: GetResponse) -> GetResponse:
    """Give each request an id, which every line of the log that it causes has, and its answer.

    It stands outside of all other middleware. Of a request, nothing but its method and the name of
    its route is noted: addresses may be personal.
    """
    count: Callable[[str, str, int, bool, float], None] | None = None
    if settings.METRICS_PORT:
        from . import metrics

        count = metrics.count_request
    has_proxy = settings.PROXY_COUNT > 0
    is_logged = settings.ACCESS_LOG

    def middleware(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        told = request.META.get("HTTP_X_REQUEST_ID", "") if has_proxy else ""
        name = told if _SANE.fullmatch(told) else secrets.token_hex(8)
        token = request_id.set(name)
        try:
            response = get_response(request)
            response.headers[HEADER] = name
            if count or is_logged:
                spent = time.perf_counter() - began
                method, route = str(request.method), _route(request)
                if count:
                    kept = getattr(response, "page_cache", "made") != "made"
                    count(method, route, response.status_code, kept, spent)
                if is_logged:
                    log(method, route, response, spent)
            return response
        finally:
            request_id.reset(token)

    return middleware


def log(method: str, route: str, response: HttpResponseBase, seconds: float) -> None:
    """Write the one line of a request. It has nothing of whoever asked."""
    size = 0 if method == "HEAD" else int(response.headers.get("Content-Length", 0))
    fields = {
        "method": method,
        "route": route,
        "status": response.status_code,
        "ms": round(1000 * seconds, 1),
        "bytes": size,
    }
    access_log.info("%s %s %s, %s ms, %s bytes", *fields.values(), extra=fields)


def _route(request: HttpRequest) -> str:
    """Return the name of what was asked for; files and what is nowhere have no route."""
    if request.path_info.startswith(f"/{settings.STATIC_URL.lstrip('/')}"):
        return "static"
    return route_of(request)


async def watched_job(call_next: Callable[[], Awaitable[Any]], context: Any, worker: Any) -> Any:
    """Give each job of a worker an id in the log, and count it; for Procrastinate."""
    token = request_id.set(f"job-{context.job.id}")
    began, outcome = time.perf_counter(), "failed"
    try:
        result = await call_next()
        outcome = "done"
        return result
    finally:
        if settings.METRICS_PORT:
            from . import metrics

            metrics.count_job(context.job.task_name, outcome, time.perf_counter() - began)
        request_id.reset(token)
