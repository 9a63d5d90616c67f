"""The two catalogs that are measured: a hundred tools, and ten thousand with a million votes.

Each is a database of its own beside the site's, made once and kept:
`python -m tests.benchmarks.catalogs small`. Both have the demo's tools, so that the same pages are
asked for. A process of its own, because the benchmark itself has no Django in it.
"""

import io
import json
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Catalog:
    tools: int
    votes: int

    @property
    def reviews(self):
        return 4 * self.tools


CATALOGS = {"small": Catalog(100, 10_000), "large": Catalog(10_000, 1_000_000)}
#: The pair that is measured; one vote in twenty of all is on each of its tools.
HOT = ("claude-4-sonnet", "smolvlm2-turbo")


def database(name):
    """Return what the database of a catalog is called."""
    return f"shiporskip_bench_{name}"


VOTES = """
WITH tools AS (SELECT array_agg(id ORDER BY id) AS ids FROM tools_tool),
     hot AS (SELECT array_agg(id ORDER BY slug) AS ids FROM tools_tool WHERE slug = ANY(%(hot)s))
INSERT INTO reviews_vote
    (tool_id, voter, choice, standing, suspicion, cast_at, changed_at, without_cookie)
SELECT CASE WHEN number %% 20 < 2 THEN hot.ids[1 + number %% 20] ELSE tools.ids[1 + place] END,
    gen_random_uuid(),
    CASE WHEN number * 31 %% 100 < 20 + place * 37 %% 61 THEN 'ship' ELSE 'skip' END,
    'counted', '', at, at, false
FROM tools, hot, generate_series(1, %(votes)s::bigint) number,
    LATERAL (SELECT now() - number * interval '7 seconds') moment(at),
    LATERAL (SELECT number * 7919 %% cardinality(tools.ids)) which(place)
"""


def make(name):
    """Fill the database of a catalog, unless it has been."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from reviews.votes import Vote
    from tools.models import Tool

    catalog = CATALOGS[name]
    _make_database(connection.settings_dict["NAME"])
    call_command("migrate", verbosity=0)
    if Tool.objects.count() < catalog.tools:
        print(f"Making the {name} catalog: {catalog.tools} tools", file=sys.stderr)
        call_command("import_catalog", "fixtures/demo.json", verbosity=0, stdout=io.StringIO())
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            call_command("fictional_catalog", str(catalog.tools), stdout=file)
            file.flush()
            call_command("import_catalog", file.name, verbosity=0, stdout=io.StringIO())
    if Vote.objects.count() < catalog.votes:
        print(f"Casting {catalog.votes} votes", file=sys.stderr)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM reviews_vote")
            cursor.execute(VOTES, {"votes": catalog.votes, "hot": list(HOT)})
        with suppress(Exception):  # it ends with 1 where it had to mend something
            call_command("check_tallies", "--mend", stdout=io.StringIO())
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
    from reviews.models import Review

    print(json.dumps(
        {"tools": Tool.objects.count(), "reviews": Review.objects.count(),
         "votes": Vote.objects.count()}
    ))  # fmt: skip


def _make_database(name):
    """Make it where the operator's server has none; the embedded one does so by itself."""
    import psycopg
    from django.db import connection
    from psycopg import sql

    params = connection.get_connection_params()
    address = {key: params[key] for key in ("host", "port", "user", "password") if key in params}
    with psycopg.connect(**address, dbname="postgres", autocommit=True) as server:
        there = server.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
        if there is None:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


if __name__ == "__main__":
    os.environ["BENCH_DATABASE"] = database(sys.argv[1])
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
    make(sys.argv[1])
