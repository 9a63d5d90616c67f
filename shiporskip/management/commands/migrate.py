"""Django's `migrate`, beside running processes: it waits for no table for long."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections

#: How long a migration waits for a table, in seconds. Whoever wants the table waits behind it.
LOCK_TIMEOUT = 5.0
#: PostgreSQL's code for a lock that did not come in time.
_LOCK_NOT_AVAILABLE = "55P03"


class Command(migrate.Command):
    """Gives up where a long transaction holds a table, before readers queue behind both."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how long to wait, too."""
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout",
            type=float,
            default=LOCK_TIMEOUT,
            help="seconds to wait for a table that another transaction uses; 0 is for ever",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Raises CommandError where a table was not to be had in time."""
        connection = connections[options["database"]]
        limit = f"{int(options['lock_timeout'] * 1000)}ms"
        try:
            if settings.DATABASE_POOLING:  # what is set might stay with somebody else's connection
                self.stderr.write("Through a pooler: waits for tables as long as it takes.")
            else:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, false)", [limit])
            super().handle(*args, **options)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
            raise CommandError(
                "Another transaction uses a table that the migration changes, for longer than "
                f"{options['lock_timeout']:g} s. Nothing of this migration was done; those before "
                "it are. Run it again when nothing long is running"
                f"{_long_ones(connection)}; or wait longer: --lock-timeout 60."
            ) from error
        finally:
            if connection.connection is not None and not settings.DATABASE_POOLING:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")


def _long_ones(connection: Any) -> str:
    """Tell of the transactions that have run for longest, by what `pg_terminate_backend` needs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, application_name, state, extract(epoch FROM now() - xact_start)::int"
            " FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
            " AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 3"
        )
        told = [
            f"process {pid} ({application or 'unnamed'}, {state}) for {age} s"
            for pid, application, state, age in cursor.fetchall()
        ]
    return f". Running: {', '.join(told)}" if told else ""
