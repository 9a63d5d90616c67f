"""Migrations tried on a copy of the database: how long each takes, and whom it keeps waiting."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from .copies import parameters_of

#: What a lock on a table keeps from going on until the migration is over (PostgreSQL, 13.3.1).
_KEEPS = {
    "AccessExclusiveLock": "reads and writes",
    "ExclusiveLock": "writes",
    "ShareRowExclusiveLock": "writes",
    "ShareLock": "writes",
}
_LOCKS = """
    SELECT relation.relname, lock.mode
    FROM pg_locks lock JOIN pg_class relation ON relation.oid = lock.relation
    WHERE lock.pid = %s AND lock.locktype = 'relation' AND lock.granted
        AND relation.relkind IN ('r', 'p', 'm') AND lock.mode = ANY(%s)
"""


@dataclass
class Trial:
    """One migration that was run."""

    name: str
    began: float
    seconds: float = 0.0
    #: Since when a table's reads and writes, or its writes, have waited.
    held: dict[tuple[str, str], float] = field(default_factory=dict)

    def hold(self, table: str, kept: str) -> None:
        """Note that a table is locked, unless it was so already."""
        self.held.setdefault((table, kept), time.monotonic())

    def end(self) -> None:
        """Note how long it took, and how long each table was locked."""
        now = time.monotonic()
        self.seconds = now - self.began
        self.held = {key: now - since for key, since in self.held.items()}

    def sentences(self) -> Iterator[str]:
        """Yield what an operator should know: the migration, then each table that waits for it."""
        yield f"{self.name}: {self.seconds:.2f} s"
        for (table, kept), seconds in sorted(self.held.items(), key=lambda item: -item[1]):
            if kept == "writes" and (table, "reads and writes") in self.held:
                continue
            yield f"  keeps {kept} of {table} waiting for {seconds:.2f} s"


@contextmanager
def instead(name: str) -> Iterator[None]:
    """Let the site's connection lead to another database of the same server."""
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


def run_migrations(name: str, tell: Callable[[str], Any]) -> list[Trial]:
    """Run what migrations a database lacks, telling of each as it is done; return all of them."""
    trials: list[Trial] = []
    with instead(name), psycopg.connect(**parameters_of(name), autocommit=True) as watcher:
        executor = MigrationExecutor(connection)

        def told(action: str, migration: Any = None, fake: bool = False) -> None:
            if action == "apply_start":
                trials.append(Trial(str(migration), time.monotonic()))
            elif action == "apply_success":
                trials[-1].end()
                for sentence in trials[-1].sentences():
                    tell(sentence)

        def watched(execute: Callable[..., Any], *arguments: Any) -> Any:
            result = execute(*arguments)
            if trials and connection.connection is not None:
                # A table that the migration has made is not seen from outside.
                process = connection.connection.info.backend_pid
                for table, mode in watcher.execute(_LOCKS, [process, [*_KEEPS]]).fetchall():
                    trials[-1].hold(table, _KEEPS[mode])
            return result

        executor.progress_callback = told  # type: ignore[assignment]
        with connection.execute_wrapper(watched):
            executor.migrate(executor.loader.graph.leaf_nodes())
    return trials
