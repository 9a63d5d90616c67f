"""The backend's connections: Django's own for PostgreSQL, to a server that they start."""

import contextlib
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg import errors, sql

from .client import DatabaseClient, server_params


class DatabaseWrapper(base.DatabaseWrapper):
    """`HOST` in the settings names the server's home folder; `NAME` is made when it is missing."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's parameters, with the server running."""
        return {**super().get_connection_params(), **server_params(self.settings_dict)}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; if that fails, once more after making the database should it be missing."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            _make_database(server_params(self.settings_dict), conn_params["dbname"])
            return super().get_new_connection(conn_params)


def _make_database(params: dict[str, Any], name: str) -> None:
    """Make a database unless it is there, perhaps by another process just now."""
    there = contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation)
    with psycopg.connect(**params, dbname="postgres", autocommit=True) as connection, there:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
