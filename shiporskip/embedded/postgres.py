"""The keeper's dealings with PostgreSQL: make its data, start, adopt and stop it."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from .home import OTHERWISE, Home, ServerError, open_lock, try_lock
from .programs import MAJOR_VERSION, Identity, binary, choose_identity

SOCKET_FOLDER = "socket-"
SOCKET = ".s.PGSQL.5432"
# The kernel's limit for a socket's path, in bytes.
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107

SETTINGS = (
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=100",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_min_messages=warning",
    "log_checkpoints=off",
)
# A builtin locale sorts alike on every machine.
INITDB = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
LOG_LINES_SHOWN = 5
LOG_LIMIT = 1_000_000  # bytes, checked at each start
# Seconds.
ADOPT_LIMIT = 60
STOP_LIMITS = {signal.SIGINT: 60, signal.SIGQUIT: 20}
POLL_PAUSE = 0.02


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL."""

    process: psutil.Process
    lock: int  # its lock, as seen by us
    socket_folder: Path

    def lives(self) -> bool:
        """Tell whether any process of it lives; one that nobody has collected does not."""
        return not try_lock(self.lock, fcntl.LOCK_SH)

    def stop(self) -> None:
        """End it: in order, else by force after a long while (it recovers at the next start).

        A process number that went to another process meanwhile gets no signal: psutil sees to it.
        """
        for kind, limit in STOP_LIMITS.items():
            deadline = time.monotonic() + limit
            with contextlib.suppress(psutil.NoSuchProcess):
                self.process.send_signal(kind)
            while self.lives() and time.monotonic() < deadline:
                time.sleep(POLL_PAUSE)
            if not self.lives():
                break
        shutil.rmtree(self.socket_folder, ignore_errors=True)


def serve(home: Home) -> Server:
    """Return the home's server, ready for connections: the one that runs, or a new one.

    Raises ServerError.
    """
    lock = open_lock(home.server)
    deadline = time.monotonic() + ADOPT_LIMIT
    # Somebody holds it when an earlier keeper was killed: a server, or its children as they end.
    while not try_lock(lock, fcntl.LOCK_EX):
        process = _find(home)
        if process and _is_ready(home):
            return Server(process, lock, home.run.resolve())
        if time.monotonic() > deadline:
            raise ServerError(
                f"An earlier PostgreSQL in {home.path} neither serves nor ends: end its "
                f"processes (see {home.data}/postmaster.pid), {OTHERWISE}."
            )
        time.sleep(POLL_PAUSE)
    server = _start(home, lock)
    try:
        while not _is_ready(home):
            if not server.lives():
                raise ServerError(_failure("did not start", home))
            time.sleep(POLL_PAUSE)
    except BaseException:
        server.stop()
        raise
    return server


def _find(home: Home) -> psutil.Process | None:
    """Return the running server, if postmaster.pid names it.

    Its command line is looked at because everyone may read that; its working folder is closed to
    root in a container when the server runs as another user.
    """
    try:
        number = (home.data / "postmaster.pid").read_text().split("\n", 1)[0]
        server = psutil.Process(int(number))
        is_ours = server.name() == "postgres" and str(home.data) in server.cmdline()
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return server if is_ours else None


def _is_ready(home: Home) -> bool:
    """Tell whether the running server has noted that it takes connections."""
    try:
        return (home.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def _start(home: Home, lock: int) -> Server:
    """Start PostgreSQL, and make its data first if there are none; no process of an old one lives.

    The new processes inherit the lock.
    """
    identity = choose_identity()
    if home.log.exists() and home.log.stat().st_size > LOG_LIMIT:
        home.log.replace(home.log.with_suffix(".old"))
    with home.log.open("ab") as log:
        options: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": log,
            "stderr": log,
            "pass_fds": [lock],
            "env": {k: v for k, v in os.environ.items() if not k.startswith("PG")},
        }
        if not home.data.exists():
            _make_data(home, identity, options)
        _check_version(home)
        _hand_over(home.data, identity)
        # Written by a server that is gone, whichever process now has that number.
        (home.data / "postmaster.pid").unlink(missing_ok=True)
        command = [*identity.prefix, binary("postgres"), "-D", str(home.data)]
        folder = _make_socket_folder(home)
        for setting in (*SETTINGS, f"unix_socket_directories={folder}"):
            command += ["-c", setting]
        process = psutil.Popen(command, **options)
    os.close(lock)
    return Server(process, open_lock(home.server), folder)


def _make_data(home: Home, identity: Identity, options: dict[str, Any]) -> None:
    """Make the data folder, which gets its name only when it is complete and on the disk."""
    home.data.parent.mkdir(mode=0o700, exist_ok=True)
    new = home.data.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    _hand_over(new, identity)
    command = [*identity.prefix, binary("initdb"), *INITDB, "-D", str(new)]
    if subprocess.run(command, check=False, **options).returncode:  # noqa: S603 (our own words)
        raise ServerError(_failure("could not make its data", home))
    new.rename(home.data)
    for path in (home.data.parent, home.path):
        folder = os.open(path, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _check_version(home: Home) -> None:
    """Raise ServerError unless the data folder is one of our PostgreSQL's major version."""
    try:
        version = (home.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        version = "none"
    if version != MAJOR_VERSION:
        raise ServerError(
            f"{home.data} holds data of PostgreSQL version {version}, which PostgreSQL "
            f"{MAJOR_VERSION} cannot read: dump them with their own version, move the folder "
            f"away and load the dump, {OTHERWISE}."
        )


def _hand_over(folder: Path, identity: Identity) -> None:
    """Let the server's user own a data folder that was made under another one."""
    if folder.stat().st_uid == identity.user:
        return
    # The folder itself last: as long as it is not done, the work is begun again.
    for path, _, files in os.walk(folder, topdown=False):
        for name in (*files, "."):
            os.chown(Path(path, name), identity.user, identity.group, follow_symlinks=False)


def _make_socket_folder(home: Home) -> Path:
    """Make a private folder for the socket and let the link `run` lead to it.

    A new one each time: at its end a server removes its socket by name, even when the home folder
    was deleted meanwhile and another server begun there. It lies in the temporary folder when the
    home's path is too long for the kernel, or has a comma in it, which separates hosts for libpq.
    """
    for old in home.path.glob(f"{SOCKET_FOLDER}*"):
        shutil.rmtree(old)
    folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER, dir=home.path))
    path = str(folder / SOCKET)
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT or "," in path:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER))
    home.run.unlink(missing_ok=True)
    home.run.symlink_to(folder)
    return folder


def _failure(what: str, home: Home) -> str:
    """Return a sentence about a failed program of PostgreSQL, with its last words."""
    last = home.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    return "\n".join([f"The embedded PostgreSQL {what}; the end of {home.log}:", *last])
