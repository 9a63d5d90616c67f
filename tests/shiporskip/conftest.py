"""What the tests of operations share."""

import pytest

from tests.postgres import Postgres
from tests.serving import manage


@pytest.fixture(scope="session")
def _postgres(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("server") / "postgres")
    done = manage("migrate", "--verbosity", "0", DATABASE_URL=server.url)
    assert done.returncode == 0, done.stderr
    yield server
    server.stop()


@pytest.fixture
def postgres(_postgres):
    """A PostgreSQL with the site's tables, for tests that stop it or take it apart."""
    yield _postgres
    if _postgres.process.poll() is not None:
        _postgres.start()
