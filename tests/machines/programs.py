"""Finding programs, running them as servers, and waiting for what they do."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

#: Seconds, for a busy machine.
PATIENCE = 60


def needed(*names, package):
    """Return the path of the first of these programs that is here.

    Where none is, the test is skipped with a sentence, and fails where REQUIRE_SERVERS says that
    they have to be here, as they are in CI.
    """
    # Debian keeps servers where only root looks.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    sentence = f"This test needs {' or '.join(names)}: install Debian’s package `{package}`."
    if os.environ.get("REQUIRE_SERVERS"):
        pytest.fail(sentence)
    pytest.skip(sentence)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(what, patience=PATIENCE):
    """Wait until `what()` returns something true, and return that."""
    deadline = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < deadline, "this did not come about in time"
        time.sleep(0.05)
    return found


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def temporary_folder():
    """A folder with a short path, because a socket's must not be long."""
    with tempfile.TemporaryDirectory(prefix="s") as folder:
        yield Path(folder)


class Program:
    """A program that runs until it is stopped, with what it says in a file."""

    def __init__(self, command, log, **options):
        self.command, self.log, self.options = command, log, options
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(map(str, self.command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.options,
            )
        return self

    def stop(self, kind=signal.SIGTERM):
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(kind)
        try:
            self.process.wait(PATIENCE / 2)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self):
        """End it and all that it has started, at once."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
        self.process = None

    def lives(self):
        return self.process is not None and self.process.poll() is None

    def said(self):
        return self.log.read_text(errors="replace")

    def wait_until(self, what):
        """Wait for something, but not for a program that has ended."""

        def ready():
            assert self.lives(), f"{self.command[0]} has ended:\n{self.said()[-3000:]}"
            return what()

        return wait_for(ready)
