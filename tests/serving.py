"""The site as operators run it, in processes of its own, for the tests of what can befall it."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings

from shiporskip.reloading import PidFile
from tests.postgres import PATIENCE, free_port

COMPLETE = {
    "SECRET_KEY": "only for tests of what can befall a site, which is long enough",
    "DEBUG": "",
    "SITE_URL": "",
    "DATABASE_URL": "",
    "LOG_FORMAT": "json",
    "EMAIL_URL": "",
}


def environment(**variables):
    """The variables of a production; those of a developer's .env do not override them."""
    base = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return base | COMPLETE | {name: str(value) for name, value in variables.items()}


def manage(*command, **variables):
    """Run a command of manage.py; return what became of it."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


class Site:
    """A running gunicorn."""

    def __init__(self, log: Path, *command: str, **variables) -> None:
        self.port = free_port()
        self.log = log
        self.env = environment(PORT=self.port, **variables)
        words = command or ("-m", "gunicorn", "--config", "shiporskip/gunicorn.conf.py")
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *words, *(() if command else ("shiporskip.wsgi",))],
                cwd=settings.BASE_DIR,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def get(self, path="/", method="GET", body=None, timeout=PATIENCE, **headers):
        """Ask once, on a connection of its own; return status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def wait_until(self, path, status):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if self.get(path)[0] == status:
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def workers(self):
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def errors(self):
        return [line for line in self.lines() if line["level"] in ("ERROR", "CRITICAL")]

    def lines(self):
        """What it has logged, as far as that is JSON."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def serving(log: Path, **variables):
    """A site that answers, and is gone at the end."""
    site = Site(log, **variables)
    try:
        site.wait_until("/healthz", 200)
        yield site
    finally:
        for process in left_over(site.port):
            process.terminate()
            process.wait(PATIENCE)
        site.process.terminate()
        site.process.wait(PATIENCE)


def left_over(port):
    """A gunicorn that has replaced the one we started."""
    holder = PidFile(settings.BASE_DIR, str(port)).holder()
    try:
        return [psutil.Process(holder.pid)] if holder else []
    except psutil.NoSuchProcess:
        return []


class Load:
    """Readers who ask for pages one after another, each in a thread, until told to stop."""

    def __init__(self, site, *paths, readers=4):
        self.site = site
        self.statuses = Counter()
        self.errors = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(paths[number % len(paths)],))
            for number in range(readers)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _read(self, path):
        while not self._over.wait(0.005):
            try:
                status, _, _ = self.site.get(path, timeout=20)
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(repr(error))
                time.sleep(0.01)
            else:
                self.statuses[status] += 1

    def wait_for(self, *statuses, times=10):
        """Wait until so many more answers of these kinds have come."""
        wanted = sum(self.statuses[status] for status in statuses) + times
        deadline = time.monotonic() + PATIENCE
        while sum(self.statuses[status] for status in statuses) < wanted:
            assert time.monotonic() < deadline, (self.statuses, self.errors[:5])
            time.sleep(0.02)
