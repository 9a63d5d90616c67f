"""How fast pages are, beside a bare view of the same size and beside nginx with a file."""

import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .catalogs import HOT
from .servers import Server, ask, has, nginx, rate, site

PAIR = f"/compare/{HOT[0]}-vs-{HOT[1]}/"
COLD = {
    "comparison": PAIR,
    "tool": f"/tools/{HOT[0]}/",
    "list": "/tools/",
    "home": "/",
}
#: What leads past the page cache, and has a page rendered.
PAST = {"Cookie": "fresh=1"}


@dataclass(frozen=True)
class Subject:
    """What is asked for in turns with the others, and what it is held against."""

    name: str
    server: Server
    path: str
    against: str | None = None
    wanted: float | None = None
    expected: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def measure(subjects, options, report):
    """Ask for all of them in turns, and report each one's medians, of ratios round by round."""
    for subject in subjects:  # plans are made, pages kept, connections there
        status, _, _ = ask(subject.server.address + subject.path, **subject.headers)
        assert status == subject.expected, f"{subject.name}: {status}"
        warm = type(options)(**vars(options) | {"seconds": 1})
        rate(subject.server, subject.path, warm, **subject.headers)
    rounds = [
        {
            subject.name: rate(subject.server, subject.path, options, **subject.headers)
            for subject in subjects
        }
        for _ in range(options.rounds)
    ]
    for subject in subjects:
        report(_row(subject, rounds))


def _row(subject, rounds):
    mine = [one[subject.name] for one in rounds]
    row = {
        "name": subject.name,
        "path": subject.path,
        "per_second": round(statistics.median(found.per_second for found in mine), 1),
        "microseconds": round(statistics.median(found.microseconds for found in mine), 1),
    }
    if subject.against:
        pairs = [(one[subject.against], one[subject.name]) for one in rounds]
        row |= {
            "against": subject.against,
            "ratio": round(statistics.median(b.per_second / a.per_second for a, b in pairs), 3),
            "processor_ratio": round(
                statistics.median(a.microseconds / max(b.microseconds, 0.1) for a, b in pairs), 3
            ),
            "rounds": [round(b.per_second / a.per_second, 3) for a, b in pairs],
            "wanted": subject.wanted,
        }
    return row


def measure_pages(options, report):
    """Measure the pages under gunicorn, and behind nginx where there is one."""
    with site("small") as server:
        _, headers, body = ask(server.address + PAIR)
        bare = f"/bare/{len(body)}/"
        against = {"against": "bare view"}
        subjects = [
            Subject("bare view", server, bare),
            Subject("comparison, nothing kept", server, PAIR, **against, wanted=0.15, headers=PAST),
            Subject("comparison, kept", server, PAIR, **against, wanted=0.80),
            Subject("comparison, kept, as Brotli", server, PAIR, **against,
                    headers={"Accept-Encoding": "br"}),
            Subject("comparison, not changed (304)", server, PAIR, **against, wanted=0.60,
                    expected=304, headers={"If-None-Match": headers["ETag"]}),
        ]  # fmt: skip
        subjects += [
            Subject(f"{kind}, nothing kept", server, path, **against, headers=PAST)
            for kind, path in COLD.items()
            if path != PAIR
        ]
        measure(subjects, options, report)
        if not has("nginx"):
            print(
                "nginx is not here (apt-get install nginx-light), so nothing is measured behind it."
            )
            return
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            measure_nginx(server, Path(folder), options, report)


def measure_nginx(server, folder, options, report):
    """Measure nginx with its cache before the site, beside nginx with the same bytes in a file."""
    packed = {"Accept-Encoding": "br"}
    with nginx(folder, server) as (front, program):
        _, _, body = ask(server.address + PAIR, **packed)
        files = folder / "files"
        files.mkdir()
        (files / "page.html").write_bytes(body)
        program.serve_static(files)
        ask(front.address + PAIR, **packed)
        assert ask(front.address + PAIR, **packed)[1]["X-Cache"] == "HIT"
        measure(
            [
                Subject("nginx with the page as a file", front, "/static/page.html"),
                Subject("nginx with its cache", front, PAIR, "nginx with the page as a file", 0.75,
                        headers=packed),
            ],
            options,
            report,
        )  # fmt: skip
