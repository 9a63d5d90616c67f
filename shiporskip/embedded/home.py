"""The server's home folder: what lies where, the locks in it, and who may use it."""

import contextlib
import fcntl
import os
import stat
from pathlib import Path

OTHERWISE = "or set DATABASE_URL to use another PostgreSQL server"

# A keeper's report when all is well; anything else is a sentence for the operator.
READY = "ready"


class ServerError(Exception):
    """The embedded server cannot be used; the message tells the operator what to do."""


class Home:
    """The paths below one home folder.

    Locks: each user shares `users`; the keeper alone holds `keeper` for its life and `ready` while
    the server takes connections; PostgreSQL's processes inherit `server`, which is therefore free
    only when none of them lives, whatever a process number in a file may claim.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        # Below a folder of ours, for where the data belong to `nobody`, who is anybody.
        self.data = self.path / "private" / "data"
        self.log = self.path / "log"
        self.run = self.path / "run"
        self.users = self.path / "users.lock"
        self.keeper = self.path / "keeper.lock"
        self.ready = self.path / "ready.lock"
        self.server = self.path / "server.lock"

    def prepare(self) -> None:
        """Make the folder if it is missing; raise ServerError unless it is safely ours."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.path.stat()
        if os.geteuid() not in (0, found.st_uid):
            raise self.unusable(f"it belongs to user number {found.st_uid}")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise self.unusable("other users can change it")

    def unusable(self, flaw: object) -> ServerError:
        """Return the error to raise when something is wrong with the folder."""
        return ServerError(
            f"The embedded PostgreSQL cannot use {self.path} ({flaw}): make it this user's alone "
            f"and writable (chown -R, chmod 700), {OTHERWISE}."
        )

    def socket_folder(self) -> Path:
        """Return the folder of the running server's socket; raise ServerError if it isn't private.

        A folder outside the home may have been cleared away, and replaced by someone else's.
        """
        folder = self.run.resolve()
        with contextlib.suppress(FileNotFoundError):
            found = folder.lstat()
            if found.st_mode == stat.S_IFDIR | 0o700 and found.st_uid == self.path.stat().st_uid:
                return folder
        raise ServerError(
            f"The socket folder {folder} of the embedded PostgreSQL is gone or open to other "
            f"users: end all processes that use {self.path}, and start again."
        )


def open_lock(path: Path) -> int:
    """Open a lock file, made if missing; a program started by `exec` does not inherit it.

    Root may be using another user's folder: a link planted there is not followed, and a new file
    goes to the folder's owner.
    """
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(lock, owner.st_uid, owner.st_gid)
    return lock


def try_lock(lock: int, kind: int) -> bool:
    """Take a lock (`fcntl.LOCK_SH` or `LOCK_EX`) if it is free, and tell whether that worked."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Tell whether a living process holds the lock exclusively."""
    lock = open_lock(path)
    try:
        return not try_lock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)
