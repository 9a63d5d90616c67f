"""Measure pages against a bare view of the same size, under the same gunicorn and middleware.

Machines differ, so no page's figure is a time: each is the page's rate divided by that of the bare
view, measured in turns, as the median of the rounds. Needs `wrk` for the load. Only the search is
told in milliseconds, those that the database takes (tests/benchmarks/searching.py).
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "comparison page, nothing cached": "/compare/claude-4-sonnet-vs-smolvlm2-turbo/",
    "tool page, nothing cached": "/tools/claude-4-sonnet/",
    "tools list, nothing cached": "/tools/",
    "home page, nothing cached": "/",
}
SEARCH = "search, in the database"


@contextmanager
def server():
    """Serve the site as `make run` does, on a free port; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings", "PORT": port}
    command = [
        *(sys.executable, "-m", "gunicorn", "--config", "shiporskip/gunicorn.conf.py"),
        *("--bind", f"127.0.0.1:{port}", "--log-level", "error", "shiporskip.wsgi"),
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address + "/healthz", process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_for(address, process, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit("The server stopped before it answered; its error stands above.")
        try:
            urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{address} does not answer.")


def rate(address, seconds, connections):
    """Return the requests per second that wrk gets through; an answer but 2xx ends the run."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", address]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        sys.exit(f"{address} does not answer with 200:\n{output}")
    return float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1])


def measure(base, path, options):
    """Return the row of one page: sizes, median rates, and the median of the rounds' ratios."""
    with urlopen(base + path) as answer:
        size = len(answer.read())
    bare = f"{base}/bare/{size}/"
    for address in (bare, base + path):
        rate(address, 1, options.connections)
    rounds = [
        (
            rate(bare, options.seconds, options.connections),
            rate(base + path, options.seconds, options.connections),
        )
        for _ in range(options.rounds)
    ]
    return {
        "path": path,
        "bytes": size,
        "bare_per_second": round(statistics.median(bare for bare, _ in rounds)),
        "page_per_second": round(statistics.median(page for _, page in rounds)),
        "ratio": round(statistics.median(page / bare for bare, page in rounds), 3),
    }


def measure_search():
    """Return what the search costs in the database, measured by a process with Django in it."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings"}
    command = [sys.executable, "-m", "tests.benchmarks.searching"]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(answer.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--only", default="", help="measure what has this in its name")
    parser.add_argument("--json", type=Path, default=ROOT / ".bench" / "results.json")
    options = parser.parse_args()
    results = {}
    if options.only in SEARCH:
        row = results[SEARCH] = measure_search()
        print(
            f"{SEARCH}: p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms "
            f"({row['questions']} questions, {row['tools']} tools)",
            flush=True,
        )
    pages = {name: path for name, path in PAGES.items() if options.only in name}
    if pages:
        measure_pages(pages, results, options)
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n")


def measure_pages(pages, results, options):
    """Measure the pages in turn; each prints its row and adds it to the results."""
    if not shutil.which("wrk"):
        sys.exit("make bench needs wrk to make the load; on Debian: apt-get install wrk")
    with server() as base:
        print(f"{'':34} {'bytes':>7} {'bare/s':>8} {'page/s':>8} {'ratio':>7}")
        for name, path in pages.items():
            row = results[name] = measure(base, path, options)
            print(
                f"{name:34} {row['bytes']:>7} {row['bare_per_second']:>8} "
                f"{row['page_per_second']:>8} {row['ratio']:>7.3f}",
                flush=True,
            )


main()
