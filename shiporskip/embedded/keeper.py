"""The keeper: starts PostgreSQL, watches whether anybody uses it, and stops it at the end.

Run by `server` as `python -m shiporskip.embedded.keeper HOME`, with the locked `keeper.lock` as
standard input, which it holds to its end; standard output is the report to the waiting user.
"""

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

from .home import READY, Home, ServerError, open_lock, try_lock
from .postgres import serve

# Seconds between two looks at whether the server still has users.
POLL_PAUSE = 0.25


def main() -> None:
    """Keep the server of the home folder named on the command line."""
    # The user who started us waits for this process; the child's end is nobody's to collect.
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    home = Home(Path(sys.argv[1]))
    users, ready = open_lock(home.users), open_lock(home.ready)
    try:
        server = serve(home)
    except ServerError as error:
        print(error)
        return
    except OSError as error:
        print(home.unusable(error))
        return
    try:
        fcntl.flock(ready, fcntl.LOCK_EX)
        _report_ready(home)
        while server.lives() and not try_lock(users, fcntl.LOCK_EX):
            time.sleep(POLL_PAUSE)
    finally:
        # Before a new user can get the users' lock, which we hold to our end.
        os.close(ready)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        server.stop()


def _report_ready(home: Home) -> None:
    """Tell the waiting user, let go of its pipe, and write to the log from now on."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, READY.encode())
    log = os.open(home.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)


if __name__ == "__main__":
    main()
