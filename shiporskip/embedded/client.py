"""How clients reach the server: the connection's parameters, and psql for `manage.py dbshell`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import client
from django.db.utils import OperationalError

from .home import ServerError
from .programs import binary
from .server import ensure_running


def server_params(settings: dict[str, Any]) -> dict[str, Any]:
    """Return libpq's parameters for the server of one DATABASES entry, which then runs.

    Raises ImproperlyConfigured for a HOST that is no folder's path, OperationalError when the
    server cannot be used.
    """
    home = Path(settings["HOST"])
    if not home.is_absolute():
        raise ImproperlyConfigured(
            "HOST must be the absolute path of the embedded PostgreSQL's home folder."
        )
    try:
        return {"host": str(ensure_running(home)), "port": "5432", "user": "postgres"}
    except ServerError as error:
        raise OperationalError(str(error)) from error


class DatabaseClient(client.DatabaseClient):
    """Starts the psql that comes with the server."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        """Return the command and its extra environment variables."""
        server = {name.upper(): value for name, value in server_params(settings_dict).items()}
        args, env = super().settings_to_cmd_args_env({**settings_dict, **server}, parameters)
        return [binary("psql"), *args[1:]], env
