"""A worker in a hurry: lanes in threads, which look again at once and rest for a moment only.

`manage.py worker` sends in the same way, but looks every ten seconds for what is due. Run by
`tests.digest.proof.Worker`; as `python -m tests.digest.runner prepare 300` it makes an empty
database ready instead, with so many recipients of an edition that has begun.
"""

import logging
import signal
import sys
import threading
from datetime import timedelta

import django
from django.conf import settings


def main():
    # Quick as well where the test has no say in what is thrown at it.
    lanes.REST = timedelta(seconds=0.1)
    lanes.REST_MOST = timedelta(seconds=0.5)
    sending.RETRY = timedelta(seconds=0.2)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sending.stopping.set())
    threads = [threading.Thread(target=work) for _ in range(settings.DIGEST_LANES)]
    for thread in threads:
        thread.start()
    print("works", flush=True)
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
        main()
