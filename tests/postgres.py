"""A real PostgreSQL of a test's own, which can be stopped and started under it."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

from shiporskip.embedded.postgres import INITDB
from shiporskip.embedded.programs import binary, choose_identity

PATIENCE = 60  # seconds, for a busy machine


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Postgres:
    """One server with a database `site`, at a port that it keeps over restarts."""

    def __init__(self, home: Path) -> None:
        self.data = home / "data"
        self.log = home / "log"
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self.identity = choose_identity()
        home.mkdir(exist_ok=True, mode=0o700)
        self.data.mkdir(mode=0o700)
        os.chown(self.data, self.identity.user, self.identity.group)
        self._run(binary("initdb"), *INITDB, "--no-sync", "-D", str(self.data)).wait()
        self.start()
        with self.connect("postgres") as database:
            database.execute("CREATE DATABASE site")

    @property
    def url(self) -> str:
        return self.url_of("site")

    def url_of(self, name: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def connect(self, name: str = "site") -> psycopg.Connection:
        return psycopg.connect(self.url_of(name), autocommit=True)

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        words = [word for option in options.items() for word in ("-c", "{}={}".format(*option))]
        self.process = self._run(binary("postgres"), "-D", str(self.data), *words)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, self.log.read_text()
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT in order, SIGQUIT as a crash."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)

    def _run(self, *command: str) -> subprocess.Popen:
        with self.log.open("ab") as log:
            environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
            return subprocess.Popen(
                [*self.identity.prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )
