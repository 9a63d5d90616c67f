"""What a hundred times more tools, and a hundred times more votes, cost."""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlencode

from .catalogs import database
from .servers import ROOT, Server, site
from .speeds import COLD, PAIR, PAST, Subject, measure

#: Ballots a second that are cast while others read.
BALLOTS = 20
VOTE = "/tools/openai-o3-pro-api/vote/"


def measure_growth(options, report):
    """Measure pages that are rendered for each request, of the small and of the large site."""
    pages = COLD | {"category": "/categories/developer-tools/", "search": "/search/?q=claude"}
    rows = []
    with site("small") as small, site("large") as large:
        for kind, path in pages.items():
            name = f"{kind}, small site"
            measure(
                [
                    Subject(name, small, path, headers=PAST),
                    Subject(f"{kind}, large site", large, path, name, headers=PAST),
                ],
                options,
                rows.append,
            )
    for row in rows:
        report(row)
    held = [row for row in rows if "ratio" in row and "search" not in row["name"]]
    times = [1 / row["ratio"] for row in held]
    spent = [1 / row["processor_ratio"] for row in held]
    report(
        {
            "name": "growth: time of a page, large to small",
            "ratio": round(statistics.median(times), 3),
            "processor_ratio": round(statistics.median(spent), 3),
            "wanted": 1.15,
            "at_most": True,
        }
    )


def measure_search(options, report):
    """Measure what the search costs in the database, by a process with Django in it."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        "BENCH_DATABASE": database("large"),
    }
    command = [sys.executable, "-m", "tests.benchmarks.searching"]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    found = json.loads(answer.stdout)
    report(
        {"name": f"search of {found['tools']} tools, in the database, p95 in ms",
         "ratio": found["p95_ms"], "wanted": 25, "at_most": True, **found}
    )  # fmt: skip


def measure_ballots(options, report):
    """Measure reading while nobody votes and while somebody does, in turns."""
    with site("small", PAGE_MAX_AGE="60") as server:
        waited = []
        for name, headers in (("kept", {}), ("nothing kept", PAST)):
            quiet = f"comparison, {name}, nobody votes"
            alone = Subject(quiet, server, PAIR, headers=headers)
            voted = f"comparison, {name}, {BALLOTS} ballots a second"
            beside = Subject(voted, Voting(server, waited), PAIR, quiet, headers=headers)
            measure([alone, beside], options, report)
        waited.sort()
        report(
            {
                "name": "a ballot while others read, p95 in ms",
                "ratio": round(1000 * waited[int(len(waited) * 0.95)], 1),
                "ballots": len(waited),
            }
        )


class Voting(Server):
    """A server on which ballots are cast while it is measured."""

    def __init__(self, server, waited):
        super().__init__(server.address, server.processes)
        self.waited = waited

    @contextmanager
    def company(self):
        stop = threading.Event()
        voter = threading.Thread(target=self._vote, args=[stop])
        voter.start()
        try:
            yield
        finally:
            stop.set()
            voter.join()

    def _vote(self, stop):
        form = urlencode({"choice": "ship"})
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        while not stop.wait(1 / BALLOTS):
            began = time.perf_counter()
            connection = HTTPConnection(self.address.removeprefix("http://"), timeout=30)
            connection.request("POST", VOTE, form, headers)
            assert connection.getresponse().status == 303
            connection.close()
            self.waited.append(time.perf_counter() - began)
