"""The page cache: what `tools.addresses.public` serves is rendered once, and kept for everybody.

A page is kept by its address, with the version of the content that it shows, and is made anew when
that changes (`tools.changes`) or when it has its age. It stands outside of all that makes a page,
so a hit runs nothing else: the kept answer has all headers. Whoever has just written something
carries a cookie that leads past it (`tools.freshness`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DEFAULT_DB_ALIAS, Error
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from tools.changes import ContentVersion, content_version
from tools.freshness import has_just_written

from .kept_pages import OwnMemory, Page, SharedMemory, key_of, may_be_kept
from .logs import route_of
from .replicas import servers

GetResponse = Callable[[HttpRequest], HttpResponseBase]

#: At most so often, in seconds, a process looks whether the content has changed.
LOOK_EVERY = 1.0
#: For how long, in seconds, a request waits for another one that makes its page …
PATIENCE = 10
#: … and for how long when there is one that is young enough to be shown instead.
PATIENCE_WITH_YOUNG = 1
#: After so many seconds a page that could not be made is tried again.
TRY_AGAIN = 1
#: What is said of a page that is gone, so that caches behind us do not show it in our absence.
GONE = "public, max-age=0, must-revalidate, s-maxage=1"
#: How a request says what it has.
CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")


class VersionWatch:
    """The version of the content in one database, as this process knows it.

    It knows it `LOOK_EVERY` seconds late at most.
    """

    def __init__(self, database: str = DEFAULT_DB_ALIAS) -> None:
        self._database = database
        self._known: ContentVersion | None = None
        self._next_look = 0.0
        self._looking = Lock()

    def current(self) -> ContentVersion | None:
        """Return the version; None as long as the database was never there to be asked.

        One thread looks while the others go on with what is known. What was known holds while the
        database is away.
        """
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            try:
                self._known = content_version(self._database)
            except Error:
                pass  # whoever needs the database says so
            finally:
                self._next_look = time.monotonic() + LOOK_EVERY
                self._looking.release()
        return self._known

    def forget(self) -> None:
        """Look again at the next request."""
        self._known, self._next_look = None, 0.0


class Flight:
    """One page that is being made, which others may wait for."""

    def __init__(self) -> None:
        self._landed = Event()
        self._page: Page | None = None

    def land(self, page: Page | None) -> None:
        """Hand the page to whoever waits; None where there is none to hand out."""
        self._page = page
        self._landed.set()

    def wait(self, seconds: float, otherwise: Page | None) -> Page | None:
        """Return the page once it is made, `otherwise` if it takes longer; None if it is none."""
        return self._page if self._landed.wait(seconds) else otherwise


class Flights:
    """The pages that are being made in this process, by their keys."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flights: dict[str, Flight] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    def join(self, key: str) -> tuple[Flight, bool]:
        """Return the flight of a page, and whether it begins now and the caller has to make it."""
        with self._lock:
            if found := self._flights.get(key):
                return found, False
            begun = self._flights[key] = Flight()
            return begun, True

    def land(self, key: str, flight: Flight, page: Page | None) -> None:
        """End a flight."""
        with self._lock:
            self._flights.pop(key, None)
        flight.land(page)


@dataclass(slots=True)
class Asked:
    """A request for a page that has to be made, on its way through the site."""

    key: str
    old: Page | None
    #: Whether whoever asks has written something that nobody else's rendering may be too old for.
    is_writer: bool
    #: Whether the view is one whose pages are kept; known once there is a view.
    is_public: bool = False
    #: What each database held before the page was made, which shows nothing newer.
    versions: dict[str, ContentVersion | None] = field(default_factory=dict)
    flight: Flight | None = None
    #: The page, where somebody else has made it meanwhile.
    found: Page | None = None
    #: What the request said it has; views answer in full, and `Page.answer` looks at this.
    conditions: dict[str, str] = field(default_factory=dict)


memory = OwnMemory()
shared = SharedMemory()
version = VersionWatch()
#: What replicas know, which may be less.
replicas = {alias: VersionWatch(alias) for alias in settings.REPLICAS}
flights = Flights()


class PageCache:
    """The middleware. Its answers say in `page_cache` where they are from: kept, old or made."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD") or not settings.PAGE_MAX_AGE:
            return self.get_response(request)
        try:
            request.get_host()
        except DisallowedHost:  # refused further in, where refusals are written
            return self.get_response(request)
        key = key_of(request.path, request.META.get("QUERY_STRING", ""))
        old, is_writer = memory.get(key), has_just_written(request)
        if old and not is_writer:
            if _is_current(old, version.current()):
                return _answer(request, key, old, "kept")
            if time.monotonic() < old.rests_until or (key in flights and _is_young(old)):
                return _answer(request, key, old, "old")
        asked = Asked(key, old, is_writer)
        request.page_asked = asked  # type: ignore[attr-defined]
        page = None
        try:
            response = self.get_response(request)
            request.META.update(asked.conditions)
            if asked.found:
                page = asked.found
                return _answer(request, key, page, "kept")
            if not asked.is_public:
                return response
            if response.status_code >= 500:
                if asked.old is None:
                    return response
                page = _spared(asked.key, asked.old)
                return _answer(request, key, page, "old")
            if not (isinstance(response, HttpResponse) and may_be_kept(response)):
                _forget(asked)
                if response.status_code == 404:
                    response.headers.setdefault("Cache-Control", GONE)
                return response
            # Of a replica that nobody thought of before, nothing is known: its page is for now.
            shown = asked.versions.get(getattr(request, "read_from", None) or DEFAULT_DB_ALIAS)
            page = Page.of(response, route_of(request), shown, asked.old)
            answer = _answer(request, key, page, "made")
            memory.put(key, page)
            shared.put(key, page)
            return answer
        finally:
            if asked.flight:
                flights.land(key, asked.flight, page)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Have one of several requests for a page make it, and the others wait for that one.

        It stands here because only now it is known whether a view's pages are kept. What it returns
        is never sent: `__call__` puts what was found in its place.
        """
        asked: Asked | None = getattr(request, "page_asked", None)
        if asked is None or not getattr(view, "is_public", False):
            return None
        asked.is_public = True
        asked.versions = {alias: replicas[alias].current() for alias in servers.up_to_date()}
        asked.versions[DEFAULT_DB_ALIAS] = version.current()
        asked.conditions = {
            name: request.META.pop(name) for name in CONDITIONS if name in request.META
        }
        if asked.is_writer:
            return None
        flight, begins = flights.join(asked.key)
        if begins:
            asked.flight = flight
            asked.found = _made_meanwhile(asked)
        else:
            # An older one stands in for what takes so long that it must be trouble.
            patience = PATIENCE_WITH_YOUNG if asked.old and _is_young(asked.old) else PATIENCE
            asked.found = flight.wait(patience, asked.old)
        return HttpResponse() if asked.found else None


def _is_current(page: Page, known: ContentVersion | None) -> bool:
    """Whether a page may be shown as it is: neither it nor what it shows is too old."""
    return page.version == known and _is_young(page)


def _is_young(page: Page) -> bool:
    """Whether nobody sees a page too late who is shown it now.

    Half of PAGE_MAX_AGE passes here. The other half is for the caches between here and the reader
    (`tools.addresses.public`).
    """
    return page.age < settings.PAGE_MAX_AGE / 2


def _answer(request: HttpRequest, key: str, page: Page, source: str) -> HttpResponse:
    encoding = page.encoding_for(request)
    if page.encode(encoding):
        memory.weigh(key, page)
    request.route = page.route  # type: ignore[attr-defined]
    answer = page.answer(request, encoding)
    answer.page_cache = source  # type: ignore[attr-defined]
    return answer


def _spared(key: str, page: Page) -> Page:
    """Return a page as it was, which stands in for an error of ours until it is tried again."""
    page.rests_until = time.monotonic() + TRY_AGAIN
    memory.put(key, page)
    return page


def _made_meanwhile(asked: Asked) -> Page | None:
    """Return the page where another request or another process has made it by now."""
    for keeper in (memory, shared):
        page = keeper.get(asked.key)
        if page and _is_current(page, version.current()):
            memory.put(asked.key, page)
            return page
        asked.old = asked.old or page
    return None


def _forget(asked: Asked) -> None:
    """Drop a page that is none any more, lest it come back when there is trouble."""
    memory.drop(asked.key)
    if asked.old or asked.is_writer:
        shared.drop(asked.key)
