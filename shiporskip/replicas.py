"""Which database a request reads from: a replica where that will do, else the primary.

Replicas answer GET requests for public pages. Everything else is the primary's: the admin, writes,
commands, workers, and readers who have just written something (`tools.freshness`).

Whether a replica is there and how far it lags, each process looks at once a second at most, in a
thread of its own: no request waits for it. Whoever reads from a server that goes away meanwhile is
answered by the next best one.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextvars import ContextVar
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import InterfaceError, OperationalError, connections
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase

from tools.freshness import REPLICA_SPAN, has_just_written
from tools.reading import bears_replicas

logger = logging.getLogger(__name__)

PRIMARY = "default"
#: Seconds from one look at a server to the next.
PAUSE = 1.0
#: After so many seconds without a look, nothing is known of a server any more.
KNOWN_FOR = REPLICA_SPAN
#: How long a look waits for a connection, in seconds; libpq takes whole ones, two at least.
CONNECT_TIMEOUT = 2

# What was received and applied in full does not lag, however long ago it was. Without a connection
# to the primary nobody knows what is missing, so there the last applied transaction counts. A
# server that follows nobody, since it was promoted, is of no use as a replica. One that has applied
# nothing since it was started knows no such moment, but we may know when it had all.
_LAG = """
    SELECT CASE
        WHEN NOT pg_is_in_recovery() THEN NULL
        WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn()
            AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
        ELSE coalesce(
            extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float,
            'infinity'
        )
    END::float
"""


class Server:
    """One entry of DATABASES, as this process knows it."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._lag = math.inf  # of a server that is away
        self._seen = self._asked = self._caught_up = -math.inf
        self._looking = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def is_known(self) -> bool:
        """Whether what is known of it is recent. Asking leads to a look, of which nobody waits."""
        now = time.monotonic()
        if now - self._asked >= PAUSE and self._looking.acquire(blocking=False):
            self._asked = now
            threading.Thread(target=self._look, daemon=True).start()
        return now - self._seen < KNOWN_FOR

    @property
    def lag(self) -> float:
        """How far it is behind the primary, in seconds; infinite if it is away or unknown."""
        return self._lag if self.is_known else math.inf

    def lose(self) -> None:
        """Note that it has just failed somebody, until a look shows something else."""
        self._note(math.inf)

    def _look(self) -> None:
        try:
            self._note(self._measured())
        except (psycopg.Error, OperationalError, OSError):
            self._note(math.inf)
            if self._connection:
                self._connection.close()
            self._connection = None
        finally:
            self._looking.release()

    def _measured(self) -> float:
        if self._connection is None or self._connection.closed:
            params = connections[self.alias].get_connection_params()
            params |= {"connect_timeout": CONNECT_TIMEOUT, "prepare_threshold": None}
            self._connection = psycopg.connect(**params, autocommit=True)
        asks = _LAG if self.alias != PRIMARY else "SELECT 0::float"
        asked_at = time.monotonic()
        [lag] = self._connection.execute(asks).fetchone() or [None]
        if lag == 0:
            self._caught_up = asked_at
        # What came after a long silence makes it look that far behind; but it had all before that.
        behind = time.monotonic() - self._caught_up
        return math.inf if lag is None else min(lag, behind)

    def _note(self, lag: float) -> None:
        was, limit = self._lag, settings.DATABASE_REPLICA_LAG
        self._lag, self._seen = lag, time.monotonic()
        if was <= limit < lag:
            logger.warning("%s is away or lags: reads go elsewhere.", self.alias)
        elif lag <= limit < was:
            logger.info("%s is there.", self.alias)


class Servers:
    """The primary and its replicas."""

    def __init__(self, replicas: Iterable[str]) -> None:
        self.primary = Server(PRIMARY)
        self.replicas = [Server(alias) for alias in replicas]

    def choose(self, without: Collection[str] = ()) -> str | None:
        """Return where to read from, except from some; None if nothing is left.

        A replica that is up to date enough; else the primary; and while that is away, any replica
        that answers, because an older page is better than none. A process stays with one replica
        as long as it can, so that its readers' time does not go back and forth.
        """
        left = [server for server in self._in_turn() if server.alias not in without]
        lags = {server.alias: server.lag for server in left}
        for alias, lag in lags.items():
            if lag <= settings.DATABASE_REPLICA_LAG:
                return alias
        answering = min(lags, key=lags.__getitem__, default=None)
        if answering is not None and lags[answering] == math.inf:
            answering = None
        if PRIMARY in without:
            return answering
        is_away = self.primary.is_known and self.primary.lag == math.inf
        return answering if is_away and answering else PRIMARY

    def up_to_date(self) -> list[str]:
        """Return the replicas that pages may be read from."""
        limit = settings.DATABASE_REPLICA_LAG
        return [server.alias for server in self.replicas if server.lag <= limit]

    def lose(self, alias: str) -> None:
        """Note that a server has just failed."""
        for server in (self.primary, *self.replicas):
            if server.alias == alias:
                server.lose()

    def _in_turn(self) -> list[Server]:
        first = os.getpid() % max(1, len(self.replicas))
        return self.replicas[first:] + self.replicas[:first]


servers = Servers(settings.REPLICAS)
#: Where the request at hand reads from; nothing is the primary.
_reading: ContextVar[str | None] = ContextVar("reading", default=None)


class Router:
    """Sends queries to databases, as Django asks for it."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        """Return where to read from; inside a transaction on the primary that is the primary."""
        alias = _reading.get()
        return PRIMARY if alias is None or connections[PRIMARY].in_atomic_block else alias

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        """Return the primary, and read there from now on: who writes wants to see it."""
        _reading.set(None)
        return PRIMARY

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        """Allow all: every server has the same rows."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Migrate the primary; replicas get it from there."""
        return db == PRIMARY


class ReadFromReplicas:
    """Lets views that only read do so on a replica (middleware; nothing without replicas)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.REPLICAS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        before = _reading.set(None)
        try:
            return self.get_response(request)
        finally:
            _reading.reset(before)

    def process_view(
        self, request: HttpRequest, view: Any, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        """Choose the server for a view; the last moment before it runs."""
        if may_read_from_replica(request) and bears_replicas(view):
            _read_from(servers.choose(), request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Ask the next server when one has failed: a read can be made twice."""
        match = request.resolver_match
        failed = _reading.get()
        if (
            not isinstance(exception, OperationalError | InterfaceError)
            or failed is None
            or match is None
        ):
            return None
        tried = [failed]
        while True:
            # A query may also fail because its rows were cleared away meanwhile, which is no fault
            # of the server (“conflict with recovery”).
            if not connections[failed].is_usable():
                connections[failed].close()
                servers.lose(failed)
            failed = servers.choose(without=tried)
            if failed is None:
                return None
            tried.append(failed)
            _read_from(failed, request)
            try:
                return match.func(request, *match.args, **match.kwargs)
            except (OperationalError, InterfaceError):
                continue


def _read_from(alias: str | None, request: HttpRequest) -> None:
    """Read from a server from now on; the page cache wants to know from which (`read_from`)."""
    _reading.set(alias)
    request.read_from = alias  # type: ignore[attr-defined]


def may_read_from_replica(request: HttpRequest) -> bool:
    """Whether somebody only reads, and has not just written something."""
    return (
        request.method in ("GET", "HEAD")
        and not has_just_written(request)
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
    )
