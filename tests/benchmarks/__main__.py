"""Measure the site: `make bench`, or some of its parts with `make bench ARGS="pages search"`.

Machines differ and are busy, so no page's figure is a time: each is a ratio to something measured
in turns with it, as the median of the rounds. The second ratio is that of the processor's time, of
the site and its embedded Postgres together; it bears what else runs on the machine.
"""

import argparse
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from .growth import measure_ballots, measure_growth, measure_search
from .lighthouse import measure_lighthouse
from .plot import plot
from .servers import ROOT, has
from .speeds import measure_pages

#: What can be measured, with the catalogs that it needs.
PARTS = {
    "pages": (measure_pages, ["small"]),
    "growth": (measure_growth, ["small", "large"]),
    "search": (measure_search, ["large"]),
    "ballots": (measure_ballots, ["small"]),
    "lighthouse": (measure_lighthouse, ["small"]),
}
TITLE = "Requests a second, as ratios to a bare view and to a static file"


def main():
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", type=Path, default=ROOT / ".bench" / "results.json")
    parser.add_argument("--plot", type=Path, default=ROOT / ".bench" / "performance.svg")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    if not has("wrk"):
        sys.exit("make bench needs wrk to make the load; on Debian: apt-get install wrk")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
        cwd=ROOT, check=True,
    )  # fmt: skip
    results = {"machine": {"processors": os.cpu_count(), "load before": _load()}, "parts": {}}
    for part in options.parts or PARTS:
        work, catalogs = PARTS[part]
        for catalog in catalogs:
            made = [sys.executable, "-m", "tests.benchmarks.catalogs", catalog]
            subprocess.run(made, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        rows = results["parts"][part] = []
        print(
            f"\n{part}{'':52}{'each/s':>9}{'ratio':>9}{'of time':>9}{'wanted':>9}"[: 96 + len(part)]
        )
        work(options, partial(_report, rows))
    results["machine"]["load after"] = _load()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n")
    every = [row for rows in results["parts"].values() for row in rows]
    if any(row.get("against") and row.get("wanted") for row in every):
        options.plot.write_text(plot(every, TITLE))
    print(f"\n{options.json}\n{options.plot}")


def _report(rows, row):
    """Keep a row, and print it."""
    rows.append(row)
    ratio, wanted = row.get("ratio"), row.get("wanted")
    cells = [
        f"{row['name']:<52}",
        f"{row['per_second']:>9}" if "per_second" in row else f"{'':>9}",
        f"{ratio:>9}" if ratio is not None else f"{'':>9}",
        f"{row['processor_ratio']:>9}" if "processor_ratio" in row else f"{'':>9}",
    ]
    if wanted is not None:
        reached = ratio <= wanted if row.get("at_most") else ratio >= wanted
        sign = "≤" if row.get("at_most") else "≥"
        cells.append(f"{sign} {wanted}{'' if reached else '  MISSED'}".rjust(9))
    print("".join(cells), flush=True)


def _load():
    return round(os.getloadavg()[0], 1)


main()
