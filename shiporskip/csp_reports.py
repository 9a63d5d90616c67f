"""What browsers report of pages that met the Content-Security-Policy: posts to `/csp-reports/`.

Anybody may post here, and a report has the whole address of a page, which may be personal. So of a
report only what is known beforehand gets into the log, and names of hosts; and not much of it.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

logger = logging.getLogger(__name__)

#: The largest body, in bytes. A report takes about one thousand; browsers send a few at once.
MOST_BYTES = 16 * 1024
#: So many reports a minute each process writes down.
PER_MINUTE = 30
#: How reports come: as `report-uri` has them sent, and as `report-to` has.
ONE, SEVERAL = "application/csp-report", "application/reports+json"
#: What stands in the place of an address that was stopped, where it was none.
_WORDS = {"inline", "eval", "wasm-eval", "data", "blob", "self", "trusted-types-policy"}
_DIRECTIVES = {
    "base-uri", "child-src", "connect-src", "default-src", "font-src", "form-action",
    "frame-ancestors", "frame-src", "img-src", "manifest-src", "media-src", "object-src", "sandbox",
    "script-src", "script-src-attr", "script-src-elem", "style-src", "style-src-attr",
    "style-src-elem", "worker-src",
}  # fmt: skip
_HOST = re.compile(r"[a-z0-9.-]{1,100}")
_FILE = re.compile(r"[\w./-]{1,200}", re.ASCII)


class Allowance:
    """So many a minute, and no more."""

    def __init__(self, most: int) -> None:
        self._most, self._left, self._until = most, most, 0.0
        self._mutex = threading.Lock()

    def take(self) -> bool:
        """Whether there is one left."""
        with self._mutex:
            now = time.monotonic()
            if now >= self._until:
                self._left, self._until = self._most, now + 60
            self._left -= 1
            return self._left >= 0


_allowance = Allowance(PER_MINUTE)


@csrf_exempt  # a browser sends it by itself, and nothing is written but a line of the log
@never_cache
@require_POST
def report(request: HttpRequest) -> HttpResponse:
    """Write a browser's reports to the log, as far as there is room for them."""
    if request.content_type not in (ONE, SEVERAL):
        return _refusal(415, f"Reports are sent as {ONE} or {SEVERAL}.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return _refusal(413, f"Reports have {MOST_BYTES} bytes at most.")
    try:
        said = json.loads(request.body)
    except (ValueError, RecursionError):
        return _refusal(400, "This is not JSON.")
    for found in _reports(said):
        if line := _line(found):
            if not _allowance.take():
                break
            logger.warning("%s", line)
    return HttpResponse(status=204)


def _refusal(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")


def _reports(said: Any) -> Iterator[dict[str, Any]]:
    """Yield the reports in what was sent, whichever way they came."""
    if isinstance(said, dict):
        said = [{"type": "csp-violation", "body": said.get("csp-report")}]
    for one in said if isinstance(said, list) else []:
        is_one = isinstance(one, dict) and one.get("type") == "csp-violation"
        if is_one and isinstance(body := one.get("body"), dict):
            yield body


def _line(found: dict[str, Any]) -> str:
    """Return what to write down of a report; nothing if it says nothing that concerns us."""
    directive = _text(found, "effectiveDirective", "effective-directive", "violated-directive")
    directive = directive.partition(" ")[0]
    stopped = _thing(_text(found, "blockedURL", "blocked-uri"))
    source = _split(_text(found, "sourceFile", "source-file"))
    if directive not in _DIRECTIVES or not stopped or _is_extension(source):
        return ""
    page = _page(_text(found, "documentURL", "document-uri"))
    line = found.get("lineNumber", found.get("line-number"))
    is_ours = source.path.startswith(f"/{settings.STATIC_URL.lstrip('/')}")
    file = source.path if is_ours and _FILE.fullmatch(source.path) else ""
    by = f", by line {line} of {file}" if file and isinstance(line, int) else ""
    return f"The policy's {directive} stopped {stopped} on {page}{by}."


def _text(found: dict[str, Any], *names: str) -> str:
    told = next((found[name] for name in names if found.get(name)), "")
    return told if isinstance(told, str) else ""


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _is_extension(address: SplitResult) -> bool:
    """Whether a part of somebody's browser is at fault, which is none of our business."""
    return address.scheme.endswith("-extension")


def _thing(address: str) -> str:
    """Return what was stopped: a word, or the host that it would have come from."""
    if address in _WORDS:
        return address
    split = _split(address)
    host = (split.hostname or "").lower()
    if _is_extension(split):
        return ""
    if split.scheme not in ("http", "https", "ws", "wss") or not _HOST.fullmatch(host):
        return "something odd"
    try:
        ip_address(host)
    except ValueError:
        return host
    return "a numeric address"


def _page(address: str) -> str:
    """Return the name of a page's route, which holds nothing that stands in its address."""
    try:
        match = resolve(_split(address).path)
    except Resolver404:
        return "no page of ours"
    return match.view_name
