"""A page as it is kept, and what keeps it: this process, and Redis where there is one."""

import gzip
import hashlib
import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar

import brotli
from cachetools import LRUCache
from django.conf import settings
from django.core.cache import InvalidCacheBackendError, caches
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path
from django.utils.http import http_date, parse_etags, parse_http_date_safe

from tools.addresses import STALE_IF_ERROR
from tools.changes import ContentVersion

#: The plain content, in the words of HTTP.
IDENTITY = "identity"
#: The encodings, the smallest first, with what each ends an ETag with.
ENCODINGS = {"br": "-br", "gzip": "-gz", IDENTITY: ""}
#: Brotli's level that takes about the time of gzip's usual one; more is for files made once.
BROTLI_QUALITY = 5
#: What is shorter has nothing to gain.
WORTH_ENCODING = 200
#: What gets shorter by encoding; pictures have been encoded already.
_TEXT = re.compile(r"text/|application/(json|xml|atom\+xml)|image/svg\+xml")
#: Headers that are made for each answer.
_NOT_KEPT = {
    "cache-control", "content-encoding", "content-length", "date", "etag", "last-modified", "vary",
    "x-request-id",
}  # fmt: skip
#: What a page takes beside its bodies and its headers, in bytes and about.
OVERHEAD = 2200
#: Seconds for which nobody asks Redis after it did not answer.
REST = 5

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Page:
    """An answer that is the same for everybody, in the encodings that somebody asked for.

    The first body is the plain one; encoded ones are made from it, each once. Then the plain one
    goes, which takes five times the room, and is unpacked when it is asked for.
    """

    status: int
    #: The name of its address, for the log; nobody looks it up for a kept page.
    route: str
    headers: dict[str, str]
    cache_control: str
    #: A hash of the content, whatever its encoding.
    mark: str
    is_text: bool
    bodies: dict[str, bytes]
    #: The version of the content that it shows, and when it was made.
    version: ContentVersion | None
    made_at: float
    #: When it became what it is, in whole seconds.
    changed_at: int
    #: Nobody tries to make it anew before this moment, because that has just failed.
    rests_until: float = 0
    _encoding: Lock = field(default_factory=Lock, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        response: HttpResponse,
        route: str,
        version: ContentVersion | None,
        before: "Page | None",
    ) -> "Page":
        """Return the page that answers so. What it says as `before` has not changed since then."""
        now = time.time()
        mark = hashlib.sha256(response.content).hexdigest()[:32]
        is_long = len(response.content) >= WORTH_ENCODING
        return cls(
            status=response.status_code,
            route=route,
            headers={
                name: value for name, value in response.items() if name.lower() not in _NOT_KEPT
            },
            cache_control=response["Cache-Control"],
            mark=mark,
            is_text=is_long and bool(_TEXT.match(response.get("Content-Type", ""))),
            bodies={IDENTITY: response.content},
            version=version,
            made_at=now,
            changed_at=before.changed_at if before and before.mark == mark else int(now),
        )

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return time.time() - self.made_at

    @property
    def size(self) -> int:
        """How much room it takes, in bytes and about."""
        return OVERHEAD + sum(map(len, [*self.bodies.values(), *self.headers.values()]))

    def encoding_for(self, request: HttpRequest) -> str:
        """Return the encoding in which a request is answered."""
        return accepted(request.META.get("HTTP_ACCEPT_ENCODING", "")) if self.is_text else IDENTITY

    def encode(self, encoding: str) -> bool:
        """Make an encoded body; returns whether it was missing."""
        if encoding == IDENTITY or encoding in self.bodies:
            return False
        with self._encoding:
            if encoding in self.bodies:
                return False
            plain = self.body(IDENTITY)
            encoded = (
                brotli.compress(plain, quality=BROTLI_QUALITY)
                if encoding == "br"
                else gzip.compress(plain, compresslevel=6, mtime=0)
            )
            kept = {name: body for name, body in self.bodies.items() if name != IDENTITY}
            self.bodies = kept | {encoding: encoded}  # in one step, because others read meanwhile
        return True

    def body(self, encoding: str) -> bytes:
        """Return the content in an encoding that was made, or plain."""
        bodies = self.bodies
        if encoding in bodies:
            return bodies[encoding]
        return (
            brotli.decompress(bodies["br"]) if "br" in bodies else gzip.decompress(bodies["gzip"])
        )

    def answer(self, request: HttpRequest, encoding: str) -> HttpResponse:
        """Answer a request, or say 304 to whoever has just this."""
        etag = f'"{self.mark}{ENCODINGS[encoding]}"'
        headers = self.headers | {
            "Cache-Control": self.cache_control,
            "ETag": etag,
            "Last-Modified": _date(self.changed_at),
            "Vary": "Accept-Encoding",
        }
        if self.status == 200 and self._is_known(request, etag):
            # All of them: browsers put them in the place of those that they had.
            answer = HttpResponse(status=304, headers=headers)
            del answer["Content-Type"]
            return answer
        body = self.body(encoding)
        headers["Content-Length"] = str(len(body))
        if encoding != IDENTITY:
            headers["Content-Encoding"] = encoding
        return HttpResponse(
            b"" if request.method == "HEAD" else body, status=self.status, headers=headers
        )

    def _is_known(self, request: HttpRequest, etag: str) -> bool:
        """Whether whoever asks has it (RFC 9110, 13.1): by its ETag, or else by its date."""
        if known := request.META.get("HTTP_IF_NONE_MATCH"):
            tags = {tag.removeprefix("W/") for tag in parse_etags(known)}
            return etag in tags or "*" in tags
        if said := request.META.get("HTTP_IF_MODIFIED_SINCE"):
            since = parse_http_date_safe(said)
            return since is not None and self.changed_at <= since
        return False


_date = lru_cache(maxsize=1024)(http_date)


def key_of(path: str, query: str) -> str:
    """Return what a page is kept by: short, however long its address is, and of none other."""
    # A path that was decoded may have a question mark of its own.
    address = f"{escape_uri_path(path)}?{query}"
    return hashlib.sha256(address.encode(errors="replace")).hexdigest()


def may_be_kept(response: HttpResponseBase) -> bool:
    """Whether an answer says that anybody may keep it, and is one that nobody's own makes other."""
    says = response.get("Cache-Control", "")
    return (
        response.status_code in (200, 301)
        and "public" in says
        and "no-store" not in says
        and "private" not in says
        and not response.streaming
        and not response.cookies
        and response.get("Vary", "").strip().lower() in {"", "accept-encoding"}
        and "Content-Encoding" not in response
    )


@lru_cache(maxsize=256)
def accepted(said: str) -> str:
    """Return the smallest encoding that an Accept-Encoding allows (RFC 9110, 12.5.3)."""
    weights = {}
    for part in said.lower().split(","):
        name, _, parameter = part.partition(";")
        weights[name.strip()] = _weight(parameter)
    for encoding in ("br", "gzip"):
        if weights.get(encoding, weights.get("*", 0)) > 0:
            return encoding
    return IDENTITY


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1
    try:
        return float(value)
    except ValueError:
        return 0


class OwnMemory:
    """Pages in this process: those that were asked for last, as many as have room."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._pages: LRUCache[str, Page] = LRUCache(
                settings.PAGE_CACHE_BYTES, getsizeof=lambda page: page.size
            )

    @property
    def size(self) -> float:
        """How much room the pages take, in bytes and about."""
        return self._pages.currsize

    def get(self, key: str) -> Page | None:
        """Return a page, if it is there and still good for anything."""
        with self._lock:
            page = self._pages.get(key)
        return page if page and page.age < STALE_IF_ERROR else None

    def put(self, key: str, page: Page) -> None:
        """Keep a page; one that is larger than the room is not."""
        with self._lock:
            self._put(key, page)

    def weigh(self, key: str, page: Page) -> None:
        """Note that a page's size has changed, if it is still the one that is kept."""
        with self._lock:
            if self._pages.get(key) is page:
                self._put(key, page)

    def _put(self, key: str, page: Page) -> None:
        self._pages.pop(key, None)
        if page.size <= self._pages.maxsize:
            self._pages[key] = page

    def drop(self, key: str) -> None:
        """Forget a page."""
        with self._lock:
            self._pages.pop(key, None)


class SharedMemory:
    """Pages in Redis or Valkey (CACHE_URL), which all processes share; none without it.

    When it is away it is as if it were empty, and nobody waits for it a second time at once.
    """

    def __init__(self) -> None:
        self._rests_until = 0.0

    def get(self, key: str) -> Page | None:
        """Return a page, if it is there."""
        return self._ask(lambda cache: cache.get(key))

    def put(self, key: str, page: Page) -> None:
        """Keep a page for as long as it may be of use."""
        self._ask(lambda cache: cache.set(key, page, STALE_IF_ERROR))

    def drop(self, key: str) -> None:
        """Forget a page."""
        self._ask(lambda cache: cache.delete(key))

    def _ask(self, question: Callable[[Any], Answer]) -> Answer | None:
        if time.monotonic() < self._rests_until:
            return None
        try:
            cache = caches["pages"]
        except InvalidCacheBackendError:  # no CACHE_URL
            return None
        try:
            return question(cache)
        except Exception as error:  # whatever the client raises: readers get their page
            self._rests_until = time.monotonic() + REST
            log.warning("The cache at CACHE_URL does not answer: %s", type(error).__name__)
            return None


class PageSerializer:
    """Pages as bytes, for Django's Redis cache.

    They are not pickled: whoever writes into that Redis may show readers something else, but has
    nothing run here.
    """

    _HEAD = (
        "status", "route", "headers", "cache_control", "mark", "is_text", "version",
        "made_at", "changed_at",
    )  # fmt: skip

    def dumps(self, page: Page) -> bytes:
        """Return a page as bytes."""
        head = {name: getattr(page, name) for name in self._HEAD}
        bodies = page.bodies
        head["lengths"] = {name: len(body) for name, body in bodies.items()}
        return b"\n".join([json.dumps(head).encode(), b"".join(bodies.values())])

    def loads(self, data: bytes) -> Page:
        """Return the page; raises ValueError, KeyError or TypeError for bytes that are none."""
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        bodies, start = {}, 0
        for name, length in head["lengths"].items():
            bodies[name] = rest[start : start + length]
            start += length
        if start != len(rest) or not bodies or not bodies.keys() <= ENCODINGS.keys():
            raise ValueError("These bytes are no page.")
        version = head["version"] and tuple(head["version"])
        return Page(
            **{name: head[name] for name in self._HEAD} | {"version": version}, bodies=bodies
        )
