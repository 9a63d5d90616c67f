"""Whether this process can answer readers: asked by whoever sends them here, at `/readyz`."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from django.db import Error, ProgrammingError, connection, transaction
from django.db.migrations.loader import MigrationLoader

logger = logging.getLogger(__name__)

#: How long Postgres may take, in seconds. Who probes waits about five.
TIMEOUT = 2.0

NO_ANSWER = "the database does not answer"
BEHIND = "migrations are missing"

# Asked in a thread, because a server that hangs ends no query by itself, and by one at a time: many
# probes of such a server wait for the same answer.
_asker = ThreadPoolExecutor(1, thread_name_prefix="readyz")
_asked: Future[str] | None = None
_mutex = threading.Lock()


def what_lacks() -> str:
    """Return what is missing before this process can serve, or nothing; within TIMEOUT."""
    global _asked
    with _mutex:
        if _asked is None or _asked.done():
            _asked = _asker.submit(_ask)
        asked = _asked
    try:
        return asked.result(TIMEOUT)
    except TimeoutError:
        return NO_ANSWER


def _ask() -> str:
    try:
        # For this transaction alone, because a pooler may lend the connection to others then.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {int(TIMEOUT * 1000)}")
            cursor.execute("SELECT app, name FROM django_migrations")
            missing = _newest() - set(cursor.fetchall())
    except Error as error:
        # There is no table of migrations before the first one.
        return BEHIND if isinstance(error, ProgrammingError) else NO_ANSWER
    finally:
        connection.close()
    if missing:
        names = ", ".join(sorted(f"{app}.{name}" for app, name in missing))
        logger.warning("Not ready: migrations are missing up to %s", names)
    return BEHIND if missing else ""


@cache
def _newest() -> set[tuple[str, str]]:
    """Return the last migration of each app in the code: where it is applied, all of them are."""
    return set(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())
