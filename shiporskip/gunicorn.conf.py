# ruff: noqa: N999 (gunicorn's customary name for this file)
"""How gunicorn serves the site: `gunicorn --config shiporskip/gunicorn.conf.py shiporskip.wsgi`.

What differs between machines comes from the environment or `.env`: HOST, PORT, WEB_CONCURRENCY.
"""

import contextlib
import errno
import gc
import os
import socket
import sys
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

HOME = Path(__file__).resolve().parent.parent
environ.Env.read_env(HOME / ".env")

HOST = os.environ.get("HOST") or "127.0.0.1"
PORT = os.environ.get("PORT") or "8000"

# Each thread keeps a database connection, and PostgreSQL gives a hundred unless told otherwise.
# Twelve workers of four threads leave room for a second generation beside them during a deploy.
MOST_WORKERS = 12


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
# Container engines kill what has not stopped after ten seconds.
graceful_timeout = 8
# gunicorn warns of each malformed request with the reader's address, which no log of ours may hold;
# there is no access log either. Workers that hang, die or are killed are told as errors.
loglevel = "error"
# It would be a socket in the home folder, which our user in a container does not have.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Load the site before listening, or say in a sentence why there is no point in it.

    Loaded here, once, and not in every worker (as `preload_app` would, but after the look at the
    port): the workers share the memory, a new one is there at once, and nobody is told an address
    that then fails. New code needs a restart, not SIGHUP. Nothing connects to the database while it
    loads, so the workers share no connection.
    """
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
    site = " ".join(str(listener) for listener in server.LISTENERS)
    print(f"Ship or Skip is at {site}", flush=True)
    if (HOME / "Makefile").exists():  # a working copy, not the container
        print(f"Editors work at {site}/admin/ (make account). Ctrl-C stops.", flush=True)
