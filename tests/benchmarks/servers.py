"""What is measured and what measures: gunicorn with the site, the documented nginx, and wrk."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import psutil

from .catalogs import database

ROOT = Path(__file__).resolve().parents[2]
_open = build_opener(ProxyHandler({})).open


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@dataclass
class Server:
    """Something that answers at an address, and the processes that work for it."""

    address: str
    processes: list[psutil.Process]

    def company(self):
        """Return what goes on while it is measured; here nothing."""
        return nullcontext()

    def seconds(self):
        """Return how long the processor has worked for it so far, databases included."""
        spent = 0.0
        for process in self.processes:
            for one in [process, *process.children(recursive=True)]:
                try:
                    times = one.cpu_times()
                except psutil.Error:
                    continue
                spent += times.user + times.system
        return spent


@contextmanager
def site(catalog, **variables):
    """Serve the site as `make run` does, with one of the catalogs."""
    port = free_port()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        "BENCH_DATABASE": database(catalog),
        "PORT": str(port),
        "SITE_URL": f"http://127.0.0.1:{port}",
        "PAGE_MAX_AGE": "3600",
    }
    command = [
        *(sys.executable, "-m", "gunicorn", "--config", "shiporskip/gunicorn.conf.py"),
        *("--bind", f"127.0.0.1:{port}", "--log-level", "error", "shiporskip.wsgi"),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment | variables, stdout=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address + "/healthz", process)
        yield Server(address, [psutil.Process(process.pid), *_databases()])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _databases():
    """Return the embedded Postgres, whose work counts; of one elsewhere nothing is known."""
    home = ROOT / ".postgres" / "private" / "data"
    try:
        return [psutil.Process(int((home / "postmaster.pid").read_text().split()[0]))]
    except (OSError, ValueError, psutil.Error):
        return []


def _wait_for(address, process, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit("The server stopped before it answered; its error stands above.")
        try:
            ask(address)
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{address} does not answer.")


@contextmanager
def nginx(folder, upstream):
    """Put the documented nginx before a server; yields it, and the folder of its static files."""
    from tests.machines.nginx import Nginx

    server = Nginx(folder, upstream.address.rpartition(":")[2])
    try:
        server.start()
        yield Server(server.address, [psutil.Process(server.process.pid)]), server
    finally:
        server.stop()


def has(*programs):
    """Return the first of these programs that is here, or None."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return next(filter(None, (shutil.which(name, path=path) for name in programs)), None)


def ask(address, **headers):
    """Return the answer's status, headers and body."""
    try:
        answer = _open(Request(address, headers=headers), timeout=20)
    except HTTPError as other:  # which 304 is one of
        answer = other
    with answer:
        return answer.status, answer.headers, answer.read()


@dataclass(frozen=True)
class Rate:
    """What a server got through, and the processor's time that one request took."""

    per_second: float
    microseconds: float


def rate(server, path, options, **headers):
    """Have wrk ask for something as often as it can; an answer from 400 on ends the run."""
    said = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = [
        *("wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", *said),
        server.address + path,
    ]
    before = server.seconds()
    with server.company():
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = server.seconds() - before
    if "Socket errors" in output or "Non-2xx" in output:
        sys.exit(f"{path} does not always answer as it should:\n{output}")
    requests = int(re.search(r"(\d+) requests in", output)[1])
    per_second = float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1])
    return Rate(per_second, 1e6 * spent / max(1, requests))
