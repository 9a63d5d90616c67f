"""Measure the digest's sender beside postfix's smtp-source, and have it prove itself at size.

Machines differ, so speed is told as the ratio to `smtp-source -d` with one connection, both against
the same `smtp-sink`, in turns, as the median of the rounds. The rest is judged from the log of the
tests' own mail server (tests/digest/sink.py). It all happens in a database of its own, which is
dropped at the end, also after Ctrl-C.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random

DATABASE = "shiporskip_proof"
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "tests.digest.settings",
    "PROOF_DATABASE": json.dumps({"NAME": DATABASE}),
}

import django  # noqa: E402 - it reads these

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from comparisons.digest import editions, lanes, tasks  # noqa: E402
from comparisons.digest.lanes import Lane  # noqa: E402
from comparisons.digest.messages import Letter  # noqa: E402
from tests.digest.proof import (  # noqa: E402
    ROOT,
    Nursery,
    RealWorker,
    Verdict,
    make_edition,
    make_subscribers,
)
from tests.digest.sink import Sink  # noqa: E402

#: Bytes of a mail.
SIZE = 20_000
#: Connections in the stages that use several.
LANES = 4
#: The mail server that is far away: seconds for each reply, and connections to it.
FAR, MANY = 0.02, 20
#: How many recipients the small stages have.
SMALL = 20_000
#: How many recipients the stage with kills has at most.
KILLED = 100_000
MISSING = (
    "The speed is not measured: smtp-sink and smtp-source are missing, which come with postfix "
    "(on Debian: apt-get install postfix; they lie in /usr/sbin)."
)


class Stage:
    """What all stages have: the options, the list of subscribers so far, and where results go."""

    def __init__(self, options):
        self.options = options
        self.list = 0
        self.week = 0
        self.results = {}

    def begin(self, recipients):
        """Start an edition to so many people, more than before; return it and the time it took."""
        make_subscribers(recipients - self.list, after=self.list)
        self.list = max(self.list, recipients)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE digest_subscriber")
        self.week += 1
        edition = make_edition(f"2026-W{self.week:02}", html=html_of_size())
        start = time.monotonic()
        editions.start(edition)
        return edition, time.monotonic() - start

    def tell(self, name, value, limit="", is_reached=True):
        self.results[name] = {"value": value, "limit": limit, "reached": is_reached}
        mark = "" if not limit else "reached" if is_reached else "MISSED"
        print(f"{name:58} {value:>14} {limit:>16} {mark}", flush=True)


def html_of_size():
    """Return an edition's HTML with which a mail has SIZE bytes."""
    line = "<p>Sixty characters of news that nobody will ever read, sorry.</p>\n"
    probe = make_edition("2026-W53", html=line * 10)
    bare = size_of(probe)
    probe.html = line * 110
    each = (size_of(probe) - bare) / 100
    probe.delete()
    return line * round(10 + (SIZE - bare) / each)


def size_of(edition):
    return len(Letter.of(edition, ()).bytes_for("reader-100000@example.org", 100_000))


@contextmanager
def own_database():
    """Make an empty database with all tables, and drop it at the end."""
    drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
    with connection._nodb_cursor() as cursor:
        cursor.execute(drop)
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(drop)


def real_worker(address, number_of_lanes, **environment):
    """Return a running `manage.py worker`, which looks for what is due at once."""
    environment = {"DIGEST_LANES": str(number_of_lanes), "DIGEST_RATE": "0"} | environment
    tasks.look.defer()
    return RealWorker({"NAME": DATABASE}, address, **environment)


def wait_for(what, seconds=120):
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            sys.exit("This did not come about in time; the worker does not send.")
        time.sleep(0.05)


def sent_so_far(edition):
    """Return how many mails were accepted, those of open windows included."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM digest_delivery WHERE edition_id = %s AND status = 'sent')
                + (SELECT coalesce(sum(position), 0) FROM digest_cursor c
                    JOIN digest_lane l ON l.number = c.lane_id AND l.token = c.token)
            """,
            [edition.pk],
        )
        return int(cursor.fetchone()[0])


def is_over(edition):
    return not edition.deliveries.waiting().exists()


def verdict_on(edition, sink):
    return Verdict.of(sink.counts(), list(edition.deliveries.values_list("address", "status")))


# A server that is far away


def measure_far_away(stage):
    """Compare one connection with many, where each reply takes its time."""
    rates = {}
    with Sink(delay=FAR) as sink:
        for count in (1, MANY):
            edition, _ = stage.begin(SMALL)
            sink.begin_anew(delay=FAR)
            with real_worker(sink.address, count) as worker:
                wait_for(lambda n=count: len({mail.connection for mail in sink.accepted()}) >= n)
                time.sleep(3 * stage.options.seconds)
                worker.end()
            editions.cancel(edition)
            stamps = [mail.at for mail in sink.accepted()]
            end = stamps[-1] - 0.2
            begin = end - 2.5 * stage.options.seconds
            rates[count] = sum(begin <= at < end for at in stamps) / (end - begin)
    name = f"{1000 * FAR:.0f} ms for each reply"
    stage.tell(f"{name}: mails per second, 1 lane", round(rates[1], 1))
    stage.tell(f"{name}: mails per second, {MANY} lanes", round(rates[MANY], 1))
    share = rates[MANY] / MANY / rates[1]
    stage.tell(f"{name}: share of {MANY} × 1 lane", round(share, 3), "≥ 0.9", share >= 0.9)


# Pausing


def measure_pause(stage):
    """Pause in full flight, and count what still goes out."""
    edition, _ = stage.begin(SMALL)
    with Sink() as sink, real_worker(sink.address, LANES) as worker:
        wait_for(lambda: sent_so_far(edition) > 2000)
        editions.pause(edition)
        paused = time.monotonic()
        wait_for(lambda: not Lane.objects.exclude(token=None).exists())
        after = [mail.at for mail in sink.accepted() if mail.at > paused]
        worker.end()
        faults = verdict_on(edition, sink).faults
    editions.cancel(edition)
    windows = len(after) / (LANES * lanes.WINDOW)
    stage.tell("pause: windows that still went out", round(windows, 2), "≤ 2", windows <= 2)
    last = max(after, default=paused) - paused
    stage.tell("pause: seconds to the last mail", round(last, 3))
    if set(faults) - {"open"}:
        sys.exit(f"The pause did harm: {faults}")


# Kills


def measure_kills(stage):
    """Kill workers all the way through an edition, and judge from the server's log."""
    recipients = max(SMALL, min(stage.options.recipients, KILLED))
    edition, _ = stage.begin(recipients)
    dice, kills = Random(1), 0
    with Sink() as sink, Nursery() as nursery, ExitStack() as cleanup:
        start = lambda: nursery.start({"NAME": DATABASE}, sink, LANES, lease=2.0, timeout=30)  # noqa: E731
        workers = [start(), start()]
        cleanup.callback(lambda: [worker.kill() for worker in workers])
        began = time.monotonic()
        while kills < stage.options.kills or not is_over(edition):
            if kills == stage.options.kills:
                time.sleep(0.5)
            elif sink.total() < kills / stage.options.kills * 0.95 * recipients:
                time.sleep(0.02)
            else:
                time.sleep(dice.uniform(0, 0.2))
                workers.pop(0).kill()
                workers.append(start())
                kills += 1
        spent = time.monotonic() - began
        verdict = verdict_on(edition, sink)
    editions.finish(edition)
    name = f"{kills} kills, {recipients:,} recipients"
    others = {key: found for key, found in verdict.faults.items() if key not in COUNTED}
    if others:
        sys.exit(f"The books are wrong: {others}")
    for word in COUNTED:
        count = len(getattr(verdict, word))
        stage.tell(f"{name}: {word}", count, "0", not count)
    unknown, most = verdict.statuses["unknown"], kills * LANES
    stage.tell(f"{name}: unknown", unknown, f"≤ {most}", unknown <= most)
    stage.tell(f"{name}: seconds", round(spent))


COUNTED = ("doubled", "missed")


# Speed


def measure_speed(stage):
    """Freeze the whole list, then send to it beside smtp-source, and watch the memory."""
    recipients = stage.options.recipients
    edition, freezing = stage.begin(recipients)
    limit = max(3, 30 * recipients / 1_000_000)
    stage.tell(
        f"freezing {edition.recipients:,}: seconds",
        round(freezing, 1),
        f"≤ {limit:g}",
        freezing <= limit,
    )
    if not (program("smtp-sink") and program("smtp-source")):
        print(MISSING)
        return
    stage.tell("bytes of a mail", size_of(edition))
    with smtp_sink() as port:
        address = f"smtp://127.0.0.1:{port}"
        for count in (1, LANES):
            with real_worker(address, count) as worker:
                compare(stage, edition, worker, port, count)
                if count == LANES:
                    send_the_rest(stage, edition, worker)
                worker.end()


def compare(stage, edition, worker, port, count):
    """Let smtp-source and the worker send in turns; the worker is frozen meanwhile."""
    seconds = stage.options.seconds
    wait_for(lambda: sent_so_far(edition) > 0 and Lane.objects.exclude(token=None).exists())
    time.sleep(1)
    worker.freeze()
    portion = round(smtp_source(port, 2000) * seconds)
    rounds = []
    for _ in range(stage.options.rounds):
        theirs = smtp_source(port, portion)
        before = sent_so_far(edition)
        began = time.monotonic()
        worker.thaw()
        time.sleep(seconds)
        worker.freeze()
        spent = time.monotonic() - began
        rounds.append(((sent_so_far(edition) - before) / spent, theirs))
    worker.thaw()
    word = "1 lane" if count == 1 else f"{count} lanes"
    ours, theirs = (round(statistics.median(rates)) for rates in zip(*rounds, strict=True))
    ratio = statistics.median(mine / their for mine, their in rounds)
    stage.tell(f"smtp-source beside {word}: mails per second", theirs)
    stage.tell(f"{word}: mails per second", ours)
    stage.tell(f"{word}: ratio to smtp-source", round(ratio, 3), "≥ 0.25", ratio >= 0.25)


def send_the_rest(stage, edition, worker):
    """Send until nobody is left, and look at the worker's memory on the way."""
    total, early = edition.recipients, None
    while not is_over(edition):
        if early is None and sent_so_far(edition) > total * 0.15:
            early = megabytes(worker, "VmRSS")
        time.sleep(0.5)
    late, peak = megabytes(worker, "VmRSS"), megabytes(worker, "VmHWM")
    stage.tell("worker’s memory early on, MB", early or late)
    stage.tell(f"worker’s memory after {total:,}, MB", late)
    stage.tell("worker’s memory at most, MB", peak, "≤ 128", peak <= 128)
    counts = Counter(edition.deliveries.counts())
    if counts != {"sent": total}:
        sys.exit(f"Not everybody got it: {counts}")


def megabytes(worker, name):
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(name + ":"))
    return round(int(line.split()[1]) / 1024)


def program(name):
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@contextmanager
def smtp_sink():
    """Run postfix's sink; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [program("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: process.poll() is not None or answers(port), 10)
        yield port
    finally:
        process.kill()
        process.wait()


def answers(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connected:
        return bool(connected.recv(3))
    return False


def smtp_source(port, mails):
    """Send so many mails with postfix's source over one kept connection; return the rate."""
    command = [
        *(program("smtp-source"), "-d", "-s", "1", "-l", str(SIZE), "-m", str(mails)),
        f"127.0.0.1:{port}",
    ]
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return mails / (time.monotonic() - start)


STAGES = {
    "far": measure_far_away,
    "pause": measure_pause,
    "kills": measure_kills,
    "speed": measure_speed,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=100_000, help="at least 20,000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--only", choices=STAGES, action="append", help="may be given repeatedly")
    parser.add_argument("--json", type=Path, default=ROOT / ".bench" / "digest.json")
    options = parser.parse_args()
    if options.recipients < SMALL:
        parser.error(f"with fewer than {SMALL:,} recipients there is little to measure")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stage = Stage(options)
    with own_database():
        for name, measure in STAGES.items():
            if not options.only or name in options.only:
                measure(stage)
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(json.dumps(stage.results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
