"""PostgreSQL with streaming replication, from the programs of the embedded one."""

import os
import signal
import subprocess

import psycopg

from shiporskip.embedded.programs import binary, choose_identity

from .programs import Program, answers, free_port

#: Begins each entry of a log; who is connected follows.
MARK = "@@"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "wal_level": "replica",
    "max_connections": "60",
    "wal_keep_size": "256MB",
    # How soon a replica that lost its primary looks for it again.
    "wal_retrieve_retry_interval": "200ms",
    "log_line_prefix": f"{MARK}%a|",
}


class Postgres(Program):
    """A server of its own in `folder`; `replica()` makes one that follows it."""

    def __init__(self, folder, primary=None):
        self.folder, self.port, self.data = folder, free_port(), folder / "data"
        folder.mkdir(mode=0o700)
        self.identity = choose_identity()
        settings = SETTINGS | {"port": self.port, "unix_socket_directories": ""}
        options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        super().__init__(
            [*self.identity.prefix, binary("postgres"), "-D", self.data, *options], folder / "log"
        )
        self.data.mkdir(mode=0o700)
        for path in (folder, self.data):
            os.chown(path, self.identity.user, self.identity.group)
        if primary is None:
            self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N",
                      "--encoding=UTF8", "--locale=C")  # fmt: skip
        else:
            self._run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-N",
                      "-d", f"host=127.0.0.1 port={primary.port} user=postgres")  # fmt: skip

    def _run(self, name, *words):
        command = [*self.identity.prefix, binary(name), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(self):
        super().start()
        self.wait_until(self._takes_connections)
        return self

    def stop(self, kind=signal.SIGINT):  # which waits for no client
        super().stop(kind)

    def _takes_connections(self):
        try:
            self.ask("SELECT 1", database="postgres")
        except psycopg.OperationalError:
            return False
        return answers(self.port)

    def replica(self, folder):
        return Postgres(folder, primary=self).start()

    def url(self, database="site", name=""):
        """Return its address for a client, who may give a name to be found by in the log."""
        named = f"?application_name={name}" if name else ""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}{named}"

    def statements(self, name, begin=0):
        """Return what clients of that name have asked since the log had this length."""
        with self.log.open(errors="replace") as log:
            log.seek(begin)
            entries = log.read().split(MARK)
        return [entry for entry in entries if entry.startswith(f"{name}|LOG:")]

    def ask(self, sql, *values, database="site"):
        """Return the first column of the first row, None where a statement returns no rows."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(sql, values or None)
            return (cursor.fetchone() or [None])[0] if cursor.description else None

    def rows(self, sql, *values):
        with psycopg.connect(self.url(), autocommit=True) as connection:
            return connection.execute(sql, values or None).fetchall()
