"""Ask the OSV database whether a locked dependency has a known hole: `python -m tests.audit`.

One request for all of them, with nothing but their names and versions. pip-audit does the same with
a request for each package, and brings twenty packages along. Without network, or when the database
does not answer, it says so and passes, because nothing is known then.
"""

import json
import os
import re
import sys
import urllib.request
from pathlib import Path

OSV = "https://api.osv.dev/v1/querybatch"
SECONDS = 15
#: Holes that do not concern us, by their OSV ids, and why.
ACCEPTED: dict[str, str] = {}

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def locked(folder: Path) -> list[tuple[str, str]]:
    """Return name and version of everything in the lock files."""
    return sorted(
        {pair for file in folder.glob("*.txt") for pair in _LOCKED.findall(file.read_text())}
    )


def holes(packages: list[tuple[str, str]], url: str) -> dict[tuple[str, str], list[str]]:
    """Return the ids of known holes by package; raises OSError or ValueError without an answer."""
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in packages
    ]
    request = urllib.request.Request(
        url, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        results = json.load(answer)["results"]
    found = {
        package: [hole["id"] for hole in result.get("vulns", ()) if hole["id"] not in ACCEPTED]
        for package, result in zip(packages, results, strict=True)
    }
    return {package: ids for package, ids in found.items() if ids}


def main() -> int:
    packages = locked(Path(__file__).parents[1] / "requirements")
    try:
        found = holes(packages, os.environ.get("AUDIT_URL", OSV))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        print(f"Not audited, because api.osv.dev could not be asked: {error}")
        return 0
    for (name, version), ids in found.items():
        print(f"{name} {version} has known holes:", *(f"https://osv.dev/{hole}" for hole in ids))
    if not found:
        print(f"None is known in {len(packages)} packages.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
