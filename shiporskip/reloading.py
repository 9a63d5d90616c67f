"""Take new code and settings without losing a request: `python -m shiporskip.reloading`.

It checks that the new code loads, tells the running gunicorn to replace itself, and waits until the
old one is gone. gunicorn's settings have the other half.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import environ

#: The variable in which gunicorn tells a new master which one it replaces.
OLD_MASTER = "GUNICORN_PID"
#: How long loading the code and ending the old processes may take, in seconds.
PATIENCE = 90
PAUSE = 0.1


class PidFile:
    """Where a running gunicorn says who it is: one file for each port, locked while it lives.

    The lock tells a living one from what a killed one left, whoever has that number by now. It is
    shared by the processes that gunicorn forks. Where the folder is closed to us, as in a
    container, there is no file, and whoever started gunicorn knows its number.
    """

    def __init__(self, home: Path, port: str) -> None:
        self.path = home / f".gunicorn-{port}.pid"
        self._lock: int | None = None

    def take(self) -> None:
        """Write our number down, in a new file, so that whoever we replace keeps the old lock."""
        new = self.path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            os.write(self._lock, f"{os.getpid()}\n".encode())
            new.replace(self.path)

    def leave(self) -> None:
        """Remove the file, unless it is that of the one who replaced us."""
        with contextlib.suppress(OSError):
            if self.path.read_text() == f"{os.getpid()}\n":
                self.path.unlink()

    def holder(self) -> "Holder | None":
        """Return the gunicorn that runs, or None."""
        try:
            lock = os.open(self.path, os.O_RDWR)
        except OSError:
            return None
        holder = Holder(lock)
        return holder if holder.pid and holder.lives() else None


class Holder:
    """A running gunicorn, with all its processes."""

    def __init__(self, lock: int) -> None:
        self._lock = lock
        number = os.pread(lock, 20, 0).strip()
        self.pid = int(number) if number.isdigit() else 0

    def lives(self) -> bool:
        """Whether any process of it does."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        return False


def reload(home: Path, port: str) -> str:
    """Replace the gunicorn at the port; return a sentence for the operator.

    Raises SystemExit with one where it did not work, and then the old one goes on.
    """
    file = PidFile(home, port)
    old = file.holder()
    if old is None:
        sys.exit(f"Error: no gunicorn of {home} runs at port {port}; is PORT right?")
    check = [sys.executable, "-m", "gunicorn", "--check-config", *CONFIG]
    # Its variables are not ours: it reads .env for itself.
    if subprocess.run(check, cwd=home, check=False).returncode:  # noqa: S603 (our own words)
        sys.exit("Error: the new code or settings do not load, see above. The old ones go on.")
    began = time.monotonic()
    os.kill(old.pid, signal.SIGUSR2)
    while old.lives():
        if time.monotonic() - began > PATIENCE:
            sys.exit("Error: the old processes have not ended yet; the server's log may say why.")
        time.sleep(PAUSE)
    if file.holder() is None:
        sys.exit("Error: nothing runs any more; the server's log says why.")
    return f"Reloaded in {time.monotonic() - began:.1f} s."


def wait_for_end(home: Path, port: str) -> None:
    """Return when no gunicorn runs at the port, however often it was replaced meanwhile."""
    while holder := PidFile(home, port).holder():
        while holder.lives():
            time.sleep(PAUSE)


CONFIG = ("--config", "shiporskip/gunicorn.conf.py", "shiporskip.wsgi")


def main() -> None:
    """Reload; or with `--wait`, wait for the end."""
    home = Path(__file__).resolve().parent.parent
    environ.Env.read_env(home / ".env")
    port = os.environ.get("PORT") or "8000"
    if "--wait" in sys.argv[1:]:
        wait_for_end(home, port)
    else:
        print(reload(home, port))


if __name__ == "__main__":
    main()
