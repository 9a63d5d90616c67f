"""What Lighthouse says of the four kinds of page on a phone (simulated slow 4G)."""

import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from .servers import has, site
from .speeds import COLD

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
TIMES = {
    "largest-contentful-paint": ("LCP in ms", 1200),
    "cumulative-layout-shift": ("CLS", 0),
    "total-blocking-time": ("TBT in ms", 0),
}


def measure_lighthouse(options, report):
    """Measure each page three times, and report the medians."""
    program = os.environ.get("LIGHTHOUSE") or has("lighthouse")
    chromium = os.environ.get("CHROMIUM") or has("chromium", "chromium-browser", "google-chrome")
    if not program or not chromium:
        print("No scores: lighthouse (npm install --global lighthouse) or a Chromium is not here.")
        print("LIGHTHOUSE and CHROMIUM may name their paths.")
        return
    with site("small", DEBUG="false") as server:
        for kind, path in COLD.items():
            runs = [_run(program, chromium, server.address + path) for _ in range(3)]
            for category in CATEGORIES:
                score = statistics.median(
                    100 * run["categories"][category]["score"] for run in runs
                )
                report(
                    {
                        "name": f"Lighthouse, {kind}: {category}",
                        "ratio": round(score),
                        "wanted": 100,
                    }
                )
            for audit, (name, limit) in TIMES.items():
                found = statistics.median(run["audits"][audit]["numericValue"] for run in runs)
                report({"name": f"Lighthouse, {kind}: {name}", "ratio": round(found, 3),
                        "wanted": limit, "at_most": True})  # fmt: skip


def _run(program, chromium, address):
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        flags = "--headless=new --no-sandbox --disable-gpu --no-proxy-server"
        subprocess.run(
            [
                *(program, address, "--quiet", "--output=json"),
                *(f"--output-path={output}", f"--chrome-flags={flags}"),
            ],
            env=os.environ | {"CHROME_PATH": chromium},
            check=True,
            capture_output=True,
            timeout=180,
        )
        return json.loads(output.read_text())
