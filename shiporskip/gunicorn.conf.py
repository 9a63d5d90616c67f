# ruff: noqa: N999 (gunicorn's customary name for this file)
"""How gunicorn serves the site: `gunicorn --config shiporskip/gunicorn.conf.py shiporskip.wsgi`.

What differs between machines comes from the environment or `.env`: HOST, PORT, WEB_CONCURRENCY, and
how to log. docs/operators.md says how the figures were chosen.

USR2 takes new code and settings without losing a request (`make reload`): a new master loads them
beside the old one, shares its socket, and ends it once all processes of its own have begun. Where
the new code does not load, the old one goes on. SIGHUP takes neither: the code is loaded once.
"""

import contextlib
import errno
import gc
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from gunicorn import systemd
from gunicorn.workers import gthread

from shiporskip.logs import logging_settings
from shiporskip.reloading import OLD_MASTER, PidFile

HOME = Path(__file__).resolve().parent.parent
environ.Env.read_env(HOME / ".env")

HOST = os.environ.get("HOST") or "127.0.0.1"
PORT = os.environ.get("PORT") or "8000"

# Each thread keeps a database connection, and PostgreSQL gives a hundred unless told otherwise.
# Twelve workers of four threads leave room for a second generation beside them during a deploy.
MOST_WORKERS = 12
FIGURES = "PROMETHEUS_MULTIPROC_DIR"


def usable_cores() -> int:
    """Return how many cores this process may use, which in a container can be few of many."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):  # no such file, or no limit: "max"
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, round(int(quota) / int(period)))
    return max(cores, 1)


bind = f"[{HOST}]:{PORT}" if ":" in HOST else f"{HOST}:{PORT}"
worker_class = "gthread"
_wanted = os.environ.get("WEB_CONCURRENCY") or str(min(usable_cores(), MOST_WORKERS))
if not _wanted.isdecimal() or int(_wanted) < 1:
    sys.exit(f"Error: WEB_CONCURRENCY is {_wanted!r}; set it to a number of processes, 1 or more.")
workers = int(_wanted)
threads = 4
# Where workers show that they live. On a disk, a busy one could make them look dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# Longer than proxies keep an idle connection (nginx: 60 s), so that they never use a closed one.
keepalive = 65
# Behind a proxy a request is there with its connection. Whoever sends nothing waits without a
# thread after this time (gunicorn: 5 s); whoever sends half a request or reads half an answer gives
# the thread back after SLOW. Both in seconds.
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.05
SLOW = 5
# A reader's header must not move the site below a path, for every reader whose page is kept.
forwarder_headers = ""
# Container engines kill what has not stopped after ten seconds.
graceful_timeout = 8
# Lines like the site's own. Of malformed requests nothing is told, because gunicorn tells the
# reader's address with them; the log of requests is the site's (shiporskip/watching.py).
logconfig_dict = logging_settings(
    "WARNING", "json" if os.environ.get("LOG_FORMAT") == "json" else "text", access=False
)
loglevel = "error"
# It would be a socket in the home folder, which our user in a container does not have.
control_socket_disable = True

# In which the processes put together the figures for Prometheus.
_figures = ""
if os.environ.get("METRICS_PORT", "0") not in ("", "0") and FIGURES not in os.environ:
    _figures = tempfile.mkdtemp(prefix="shiporskip-figures-")
    os.environ[FIGURES] = _figures
_pid_file = PidFile(HOME, PORT)


def on_starting(server: Any) -> None:
    """Load the site before listening, or say in a sentence why there is no point in it.

    Loaded here, once, and not in every worker (as `preload_app` would, but after the look at the
    port): the workers share the memory, a new one is there at once, and nobody is told an address
    that then fails. Nothing connects to the database while it loads, so the workers share no
    connection.
    """
    # What a new master is started as; gunicorn forgets the `-m` of `python -m gunicorn`.
    server.START_CTX["args"] = [sys.executable, *sys.orig_argv[1:]]
    if not {"GUNICORN_FD", "LISTEN_FDS"} & os.environ.keys():  # sockets that are handed to us
        for address in server.address:
            explain_unless_free(address)
    try:
        server.app.wsgi()
    except ImproperlyConfigured as error:
        sys.exit(f"Error: {error}")
    # What is loaded stays; without this, collecting garbage would copy its pages into each worker.
    gc.freeze()


def explain_unless_free(address: tuple[str, int] | str) -> None:
    """End with a sentence if the address cannot be listened on (gunicorn would try for 5 s)."""
    if isinstance(address, str):  # a Unix socket, from the command line
        return
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server(address, family=family).close()
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            sys.exit(
                f"Error: port {port} is taken. Stop what uses it, or choose another one: "
                f"make run PORT={port + 1}."
            )
        sys.exit(f"Error: HOST and PORT name no address to listen on: {error}")


def when_ready(server: Any) -> None:
    """Tell where the site is, now that it answers there."""
    for listener in server.LISTENERS:  # from which connections inherit it
        for side in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, side, struct.pack("ll", SLOW, 0))
    _pid_file.take()
    if OLD_MASTER in os.environ:
        systemd.sd_notify(f"MAINPID={server.pid}", server.log)
        print("New code is loaded.", flush=True)
        return
    site = " ".join(str(listener) for listener in server.LISTENERS)
    print(f"Ship or Skip is at {site}", flush=True)
    if (HOME / "Makefile").exists():  # a working copy, not the container
        from django.conf import settings

        print(
            f"Editors work at {site}/{settings.ADMIN_PATH} (make account). Ctrl-C stops.",
            flush=True,
        )


def post_worker_init(worker: Any) -> None:
    """Let go of the old master, if there is one, when the last process of the new one begins."""
    old = os.environ.get(OLD_MASTER)
    if old and worker.age == worker.cfg.workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(old), signal.SIGTERM)
    if FIGURES in os.environ:
        from shiporskip import metrics

        metrics.serve_for_web()


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    _pid_file.leave()
    if _figures:
        shutil.rmtree(_figures, ignore_errors=True)
