"""The side of the processes that use the server: register as a user, see that a keeper lives."""

import fcntl
import os
import pwd
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from .home import OTHERWISE, READY, Home, ServerError, is_held, open_lock, try_lock

# Seconds; the first start takes about one, recovery after a power cut may take many.
START_LIMIT = 60
POLL_PAUSE = 0.02

_users: dict[Path, int] = {}
_mutex = threading.Lock()
# No fork may copy a lock that is held for a moment only, or the mutex in a locked state.
os.register_at_fork(
    before=_mutex.acquire, after_in_parent=_mutex.release, after_in_child=_mutex.release
)


def ensure_running(path: Path) -> Path:
    """Return the folder of the server's socket, after starting the server if it does not run.

    From the first call to its end the process counts as a user, as do its forks. Called for each
    new connection: when all is well it costs a few system calls. Raises ServerError.
    """
    home = Home(path)
    deadline = time.monotonic() + START_LIMIT
    with _mutex:
        try:
            _register(home, deadline)
            while not is_held(home.ready):
                lock = open_lock(home.keeper)
                try:
                    if try_lock(lock, fcntl.LOCK_EX):
                        _start_keeper(home, lock)
                finally:
                    os.close(lock)
                _wait(home, deadline)
            return home.socket_folder()
        except OSError as error:
            raise home.unusable(error) from error


def _register(home: Home, deadline: float) -> None:
    """Share the users' lock for the life of this process.

    A keeper that is stopping the server holds it until the end. Somebody may have deleted the
    whole folder to begin anew: then our lock has no name any more, and counts for nothing.
    """
    lock = _users.get(home.path)
    if lock is not None and os.fstat(lock).st_nlink:
        return
    home.prepare()
    lock = open_lock(home.users)
    try:
        while not try_lock(lock, fcntl.LOCK_SH):
            _wait(home, deadline)
    except ServerError:
        os.close(lock)
        raise
    if home.path in _users:
        os.close(_users[home.path])
    _users[home.path] = lock


def _wait(home: Home, deadline: float) -> None:
    """Pause for a moment; raise ServerError when the time is over."""
    if time.monotonic() > deadline:
        raise ServerError(
            f"The embedded PostgreSQL in {home.path} was not ready within {START_LIMIT} s: "
            f"see {home.log}, {OTHERWISE}."
        )
    time.sleep(POLL_PAUSE)


def _start_keeper(home: Home, lock: int) -> None:
    """Start a keeper and wait until it reports that the server is ready, or why it is not.

    It inherits the keeper's lock as its standard input, so that there is no moment in which a
    second one could start. Root leaves an ordinary user's folder to that user.
    """
    owner = home.path.stat().st_uid
    # The keeper finds the modules that we have found.
    modules = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
    identity: dict[str, Any] = {}
    try:
        if owner != os.geteuid():
            group = pwd.getpwuid(owner).pw_gid
            identity = {"user": owner, "group": group, "extra_groups": []}
        keeper = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-P", "-m", "shiporskip.embedded.keeper", str(home.path)],
            stdin=lock,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home.path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(modules)},
            start_new_session=True,
            timeout=START_LIMIT,
            check=False,
            **identity,
        )
        report = keeper.stdout.strip()
        flaw = report.rpartition("\n")[2] if keeper.returncode else ""
    except subprocess.TimeoutExpired:
        return
    except (OSError, KeyError) as error:
        flaw = str(error)
    if flaw:
        raise ServerError(
            f"The embedded PostgreSQL in {home.path} needs Python to run as that folder's owner, "
            f"user number {owner}, which fails ({flaw}): be that user, {OTHERWISE}."
        )
    # Nothing is reported by a keeper that was killed; Python may add warnings to the report.
    if report and not report.endswith(READY):
        raise ServerError(report)
