"""Workers in a hurry: lanes in threads, which look again at once and rest for a moment only.

`manage.py worker` sends in the same way, but takes a second to start and looks every ten seconds
for what is due. This process (`tests.digest.proof.Nursery`) has loaded everything, and makes a
worker of a copy of itself for each line on standard input, a JSON object of settings; the worker
says its process number when it works. As `python -m tests.digest.runner prepare 300` it makes an
empty database ready instead, with an edition to so many people that has begun.
"""

import json
import logging
import os
import signal
import sys
import threading
from datetime import timedelta

import django
from django.conf import settings
from django.db import connections


def breed():
    """Make workers until standard input ends; then end them all, whatever they do."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        if not os.fork():
            with open(os.devnull) as nothing:
                os.dup2(nothing.fileno(), 0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                run(json.loads(line))
            finally:
                os._exit(0)
    os.killpg(0, signal.SIGKILL)


def run(wanted):
    connections.databases["default"].update(wanted.pop("DATABASE"))
    for name, value in wanted.items():
        setattr(settings, name, value)
    lanes.REST = timedelta(seconds=0.1)
    lanes.REST_MOST = timedelta(seconds=0.5)
    sending.RETRY = timedelta(seconds=0.2)
    signal.signal(signal.SIGTERM, lambda *_: sending.stopping.set())
    threads = [threading.Thread(target=work) for _ in range(settings.DIGEST_LANES)]
    for thread in threads:
        thread.start()
    print(os.getpid(), flush=True)
    for thread in threads:
        thread.join()


def work():
    while not sending.stopping.is_set():
        try:
            tried = sending.send_slice()
        except Exception:
            # As Procrastinate does with a job that fails: the next one begins anew.
            logging.getLogger(__name__).exception("A slice failed")
            tried = 0
        if not tried:
            sending.stopping.wait(0.05)


def prepare(recipients):
    from django.core.management import call_command

    from comparisons.digest import editions
    from tests.digest.proof import make_edition, make_subscribers

    call_command("migrate", verbosity=0)
    make_subscribers(recipients)
    editions.start(make_edition())


if __name__ == "__main__":
    django.setup()
    from comparisons.digest import lanes, sending

    if sys.argv[1:2] == ["prepare"]:
        prepare(int(sys.argv[2]))
    else:
        breed()
