"""Answers for machines and for other sites: cacheable, revalidated, open to everybody."""

import hashlib
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control

#: For how long, in seconds, an answer may be shown before somebody asks again.
MAX_AGE = 600

#: What XML has no way to write, not even escaped. A name may hold it, a feed or a badge may not.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Return the text without the characters that XML cannot hold."""
    return _NOT_XML.sub("", text)


def version_of(content: bytes) -> str:
    """Return a short name for exactly this content."""
    return hashlib.sha256(content).hexdigest()[:32]


def opened(response: HttpResponse) -> HttpResponse:
    """Let pages of any other site load the answer. It holds nothing of whoever asks."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def offer(
    request: HttpRequest, content_type: str, version: str, content: Callable[[], bytes]
) -> HttpResponseBase:
    """Answer with the content, or with 304 to whoever has this version; then nothing is made."""
    etag = f'"{version}"'
    answer = get_conditional_response(request, etag=etag)
    if answer is None:
        answer = HttpResponse(content(), content_type=content_type)
    answer.headers["ETag"] = etag
    patch_cache_control(answer, public=True, max_age=MAX_AGE)
    return opened(answer)


def offer_text(request: HttpRequest, content_type: str, text: str) -> HttpResponseBase:
    """Answer with a text, or with 304 to whoever has it already."""
    content = text.encode(errors="replace")
    return offer(request, f"{content_type}; charset=utf-8", version_of(content), lambda: content)


def nothing_here(sentence: str) -> HttpResponse:
    """Answer 404 in plain text, where a page would be of no use."""
    return opened(
        HttpResponse(f"{sentence}\n", content_type="text/plain; charset=utf-8", status=404)
    )
