"""A primary with the demo catalog, and folders for servers."""

from pathlib import Path

import pytest

from .postgres import Postgres
from .programs import temporary_folder
from .web import make_site


def pytest_collection_modifyitems(items):
    """Keep these tests in one process, where they share their servers."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("machines"))


@pytest.fixture(scope="session")
def folder():
    with temporary_folder() as path:
        path.chmod(0o755)  # some servers run as another user
        yield path


@pytest.fixture(scope="session")
def primary(folder):
    """PostgreSQL with the demo catalog; every statement is in its log."""
    server = Postgres(folder / "primary")
    try:
        server.start()
        server.ask("CREATE DATABASE site", database="postgres")
        make_site(DATABASE_URL=server.url())
        server.ask("ALTER DATABASE site SET log_statement = 'all'")
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def replica(folder, primary):
    """A streaming replica of it."""
    server = None
    try:
        server = primary.replica(folder / "replica")
        yield server
    finally:
        if server:
            server.stop()
