"""Backups are whole, restores lose nothing, and migrations can be tried before."""

import re
import signal
import stat
import subprocess
import sys
import time

import psycopg
import pytest
from django.conf import settings

from tests.postgres import PATIENCE
from tests.serving import environment, manage

#: Rows of tables that the demo catalog does not fill: a lane with its cursor, which is unlogged.
LANE = """
    INSERT INTO digest_lane (number, open_window, strikes, trouble, tried, hard)
        VALUES (1, '{}', 0, 'no answer', 7, 2);
    INSERT INTO digest_cursor (lane_id, token, position, moved_at)
        VALUES (1, '6f1b6f0e-4a53-4d6b-8a0e-2f6f8f0f5c11', 41, now());
"""


@pytest.fixture
def site(postgres):
    """A database `site` with the demo catalog; what else a test makes is dropped."""
    name = "copied"
    with postgres.connect("postgres") as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE site")
    done = manage("import_catalog", "fixtures/demo.json", DATABASE_URL=postgres.url_of(name))
    assert done.returncode == 0, done.stderr
    with postgres.connect(name) as database:
        database.execute(LANE)
    yield name
    for left in databases(postgres):
        if left.startswith(name):
            with postgres.connect("postgres") as server:
                server.execute(f"DROP DATABASE {left} WITH (FORCE)")


def databases(postgres):
    with postgres.connect("postgres") as server:
        rows = server.execute("SELECT datname FROM pg_database WHERE datname NOT LIKE 'template%'")
        return {name for (name,) in rows} - {"postgres", "site"}


def rows(postgres, name):
    """Every row of every table, by table."""
    with postgres.connect(name) as database:
        tables = database.execute(
            "SELECT relname FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        found = {}
        for (table,) in tables:
            row = database.execute(
                f"SELECT count(*), md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM {table} r"
            )
            found[table] = row.fetchone()
        return found


def structure(postgres, name):
    """What else there is: columns, indexes, constraints, triggers, functions, views, sequences."""
    questions = [
        "SELECT relname, relkind, relpersistence FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace",
        "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull,"
        " attgenerated, attidentity FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND contype <> 'n'",  # those are columns'
        "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid), tgenabled FROM pg_trigger"
        " WHERE NOT tgisinternal",
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND prokind = 'f'",
        "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'",
        "SELECT datcollate, datctype, datlocprovider, encoding FROM pg_database"
        " WHERE datname = current_database()",
    ]
    with postgres.connect(name) as database:
        answers = [database.execute(question).fetchall() for question in questions]
    # Postgres writes a constraint with other casts and brackets when it has read it back once.
    casts = re.compile(r"::(text|character varying)(\[\])?|[()]")
    return [sorted(casts.sub("", str(row)) for row in answer) for answer in answers]


def test_a_backup_restored_into_a_fresh_database_is_the_same_in_every_table(
    postgres, site, tmp_path
):
    file = tmp_path / "new" / "site.dump"
    done = manage("backup", str(file), DATABASE_URL=postgres.url_of(site))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    with postgres.connect("postgres") as server:
        server.execute("CREATE DATABASE copied_fresh TEMPLATE template0")
    # A fresh one needs no consent.
    done = manage("restore", str(file), DATABASE_URL=postgres.url_of("copied_fresh"))
    assert done.returncode == 0, done.stderr
    before, after = rows(postgres, site), rows(postgres, "copied_fresh")
    assert before == after
    assert len(before) > 40
    assert before["digest_cursor"][0] == 1
    assert before["tools_tool"][0] == 8
    assert structure(postgres, site) == structure(postgres, "copied_fresh")
    with postgres.connect("copied_fresh") as database:
        kind = database.execute(
            "SELECT relpersistence::text FROM pg_class WHERE relname = 'digest_cursor'"
        )
        assert kind.fetchone() == ("u",)
        triggers = database.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")
        assert triggers.fetchone()[0] > 10


def test_a_restore_over_a_database_needs_its_name_and_keeps_what_was_there(
    postgres, site, tmp_path
):
    file, url = tmp_path / "site.dump", postgres.url_of(site)
    assert manage("backup", str(file), DATABASE_URL=url).returncode == 0
    with postgres.connect(site) as database:
        database.execute("UPDATE tools_tool SET name = 'Spoilt'")
        before = rows(postgres, site)
        done = manage("restore", str(file), DATABASE_URL=url)
        assert done.returncode == 1
        assert f"CONFIRM={site}" in done.stderr
        assert databases(postgres) == {site}
        # Even while somebody is connected, as readers' processes are.
        done = manage("restore", str(file), "--confirm", site, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        with pytest.raises(psycopg.OperationalError):
            database.execute("SELECT 1")
    (kept,) = databases(postgres) - {site}
    assert kept.startswith(f"{site}_before_")
    assert kept in done.stdout
    assert rows(postgres, kept) == before
    with postgres.connect(site) as database:
        spoilt = database.execute("SELECT count(*) FROM tools_tool WHERE name = 'Spoilt'")
        assert spoilt.fetchone() == (0,)


EDITION = """
    INSERT INTO digest_edition (week, status, subject, intro, intro_html, since, until, content,
        html, text, digest, starts_at, approved_by, pause_reason, recipients)
    VALUES (%s, %s, 'Subject', '', '', now() - interval '1 day', now(), '{}',
        '<p>x</p>', 'x', 'x', now(), 'eve', '', 0)
"""


def test_a_restore_holds_the_editions_that_would_go_out_again(postgres, site, tmp_path):
    url, file = postgres.url_of(site), tmp_path / "site.dump"
    with postgres.connect(site) as database:
        database.execute(EDITION, ["2026-W47", "sending"])
        database.execute(EDITION, ["2026-W48", "approved"])
        database.execute(EDITION, ["2026-W46", "done"])
    assert manage("backup", str(file), DATABASE_URL=url).returncode == 0
    done = manage("restore", str(file), "--confirm", site, DATABASE_URL=url)
    assert "2 edition(s) of the digest were on their way and are held" in done.stdout
    with postgres.connect(site) as database:
        found = database.execute("SELECT week, status FROM digest_edition ORDER BY week").fetchall()
    assert found == [("2026-W46", "done"), ("2026-W47", "paused"), ("2026-W48", "draft")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_backup_leaves_nothing(postgres, site, tmp_path, number):
    with postgres.connect(site) as blocker:
        # pg_dump waits for this lock, so that it is surely at work when the signal comes.
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE tools_tool IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen(
            [sys.executable, "manage.py", "backup", str(tmp_path / "site.dump")],
            cwd=settings.BASE_DIR,
            env=environment(DATABASE_URL=postgres.url_of(site)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while blocker.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(PATIENCE) != 0
        blocker.execute("ROLLBACK")
    assert not list(tmp_path.iterdir())


def test_a_backup_goes_over_no_other_and_a_file_that_is_none_is_told(postgres, tmp_path):
    file = tmp_path / "site.dump"
    file.write_text("mine")
    done = manage("backup", str(file), DATABASE_URL=postgres.url)
    assert (done.returncode, file.read_text()) == (1, "mine")
    assert "is there already" in done.stderr
    done = manage("restore", str(file), "--confirm", "site", DATABASE_URL=postgres.url)
    assert done.returncode == 1
    assert "is no dump" in done.stderr
    assert databases(postgres) == set()


def test_new_migrations_are_tried_on_a_copy_that_is_dropped(postgres, site):
    url = postgres.url_of(site)
    done = manage("upgrade_check", DATABASE_URL=url)
    assert done.stdout == "The database has all migrations of this code.\n", done.stderr
    # One is forgotten, together with what it made, and the one after it, which may be run twice.
    with postgres.connect(site) as database:
        database.execute("DELETE FROM django_migrations WHERE app = 'reviews' AND name > '0008'")
        for index in ("duel_counted_voter", "duel_latest_on_pair", "vote_counted_voter"):
            database.execute(f"DROP INDEX reviews_{index}")
        done = manage("upgrade_check", DATABASE_URL=url)
        # Half of it is there, as after somebody's work by hand.
        assert done.returncode == 1
        assert "A migration fails on the data that are there" in done.stderr
        database.execute("DROP INDEX reviews_vote_latest_on_tool")
    done = manage("upgrade_check", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    first, *others, last = done.stdout.splitlines()
    assert first.startswith("reviews.0008_voters_index: ")
    others = others[: next(n for n, line in enumerate(others) if not line.startswith(" "))]
    assert {line.split(" waiting")[0] for line in others} == {
        "  keeps writes of reviews_duel",
        "  keeps writes of reviews_vote",
    }
    assert last.startswith("2 migrations, ")
    assert databases(postgres) == {site}


def test_a_migration_that_would_wait_behind_a_long_transaction_gives_up_and_says_so(postgres):
    with postgres.connect() as long_one:
        long_one.execute("BEGIN")
        long_one.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        done = manage("migrate", "--lock-timeout", "0.2", DATABASE_URL=postgres.url)
    assert done.returncode == 1
    assert "Nothing of this migration was done" in done.stderr
    assert "idle in transaction" in done.stderr
