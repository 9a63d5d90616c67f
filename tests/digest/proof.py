"""What all proofs of the sender need: an audience, an edition, workers, and the verdict."""

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

import psutil
from django.db import connection
from django.utils import timezone

ROOT = Path(__file__).resolve().parents[2]
#: What a worker needs before it may send, beside a mail server.
READY = {
    "SITE_URL": "https://digest.example.org",
    "DIGEST_FROM": "Ship or Skip <digest@example.org>",
    "DIGEST_POSTAL_ADDRESS": "Ship or Skip, 1 Harbour Street, 20457 Hamburg",
}


def address_of(number):
    return f"reader-{number}@example.org"


def make_subscribers(count, after=0):
    """Put so many people on the list, with the addresses of `address_of` from `after` + 1 on."""
    from comparisons.digest.addresses import fingerprint

    addresses = map(address_of, range(after + 1, after + count + 1))
    with connection.cursor() as cursor:
        while block := list(islice(addresses, 10_000)):
            cursor.execute(
                """
                INSERT INTO digest_subscriber
                    (email, fingerprint, status, source, asked_at, consented_at)
                SELECT email, fingerprint, 'active', 'proof', now(), now()
                FROM unnest(%s::text[], %s::bytea[]) one (email, fingerprint)
                """,
                [block, [fingerprint(address) for address in block]],
            )


def make_edition(week="2026-W48", html="<p>News.</p>", text="News.\n", **facts):
    """Make an edition that is approved and due. It says what it is told to, and nothing else."""
    from comparisons.digest.models import Edition, Stage

    now = timezone.now()
    facts = {
        "week": week,
        "subject": "What changed",
        "since": now - timedelta(days=7),
        "until": now,
        "status": Stage.APPROVED,
        "starts_at": now,
        "html": html,
        "text": text,
        "digest": "0" * 64,
    } | facts
    return Edition.objects.create(**facts)


class Worker:
    """A running worker process, which may be treated in every way."""

    def __init__(self, pid):
        self.process = psutil.Process(pid)

    def kill(self):
        """End it at once, wherever it is (SIGKILL)."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.process.kill()
        self.process.wait()

    def freeze(self):
        """Stop it in its tracks, as a machine that swaps or sleeps does."""
        self.process.suspend()

    def thaw(self):
        self.process.resume()

    def end(self, patience=60):
        """End it in order (SIGTERM)."""
        self.process.terminate()
        self.process.wait(patience)


class RealWorker(Worker):
    """`manage.py worker` on a database (members of Django's setting) and a mail server.

    It is killed at the end of its `with` block, if it still runs then.
    """

    def __init__(self, database, mail_server, **environment):
        self._popen = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env=worker_environment(database, mail_server, **environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        super().__init__(self._popen.pid)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()
        self._popen.stdout.close()

    def wait_until_it_works(self):
        """Return once it has begun; its first line says so."""
        assert self._popen.stdout.readline(), "The worker did not start."
        return self

    def kill(self):
        self._popen.kill()
        self._popen.wait()

    def end(self, patience=60):
        """End it in order (SIGTERM) and return its exit status."""
        self._popen.terminate()
        return self._popen.wait(patience)


class Nursery:
    """Makes workers that start at once: see `runner`. All end with the `with` block, or with us."""

    def __init__(self):
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.digest.runner"],
            cwd=ROOT,
            env=worker_environment({}, ""),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._popen.stdin.close()
        self._popen.wait()
        self._popen.stdout.close()

    def start(self, database, sink, lanes=2, lease=1.0, timeout=2.0):
        """Return a worker that has begun, with a thread for each lane."""
        wanted = {
            "DATABASE": database,
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": sink.port,
            "EMAIL_TIMEOUT": timeout,
            "DIGEST_LANES": lanes,
            "DIGEST_LEASE": lease,
        }
        self._popen.stdin.write(json.dumps(wanted) + "\n")
        self._popen.stdin.flush()
        return Worker(int(self._popen.stdout.readline()))


def worker_environment(database, mail_server, **environment):
    return {
        **os.environ,
        **READY,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "tests.digest.settings",
        "PROOF_DATABASE": json.dumps(database),
        "EMAIL_URL": mail_server,
        **environment,
    }


@dataclass(frozen=True)
class Verdict:
    """What became of an edition, by the server's log and by our own books."""

    #: Recipients who got it more than once.
    doubled: list
    #: Recipients who did not get it though we say so.
    missed: list
    #: Recipients who got it though we say that they did not.
    denied: list
    #: Recipients whose status is not final.
    open: list
    #: Mails that went to nobody we know of.
    strange: list
    statuses: Counter

    @classmethod
    def of(cls, accepted, deliveries):
        """Judge; `accepted` counts mails by address, `deliveries` are pairs (address, status)."""
        statuses = dict(deliveries)
        assert len(statuses) == len(deliveries), "An address is there twice."
        return cls(
            doubled=[address for address, count in accepted.items() if count > 1],
            missed=[a for a, status in statuses.items() if status == "sent" and not accepted[a]],
            denied=[
                address
                for address in accepted
                if statuses.get(address) in ("failed", "bounced", "left", "pending")
            ],
            open=[a for a, status in statuses.items() if status in ("pending", "sending")],
            strange=[address for address in accepted if address not in statuses],
            statuses=Counter(statuses.values()),
        )

    @property
    def faults(self):
        """Everything that must not be, by its name; nothing is as it should be."""
        names = ("doubled", "missed", "denied", "open", "strange")
        return {name: found[:5] for name in names if (found := getattr(self, name))}
