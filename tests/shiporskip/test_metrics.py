"""Figures for Prometheus: counted over all processes, at a port of their own."""

import re
import subprocess
import sys
import time
from urllib.request import urlopen

from django.conf import settings

from tests.postgres import PATIENCE, free_port
from tests.serving import Site, environment, serving

NO_DATABASE = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}


def figures(port):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def figure(text, name, **labels):
    """The sum of a figure over all lines that have these labels."""
    found = 0.0
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+)\{(.*)\} (\S+)", line)
        if match and match[1] == name and all(f'{k}="{v}"' in match[2] for k, v in labels.items()):
            found += float(match[3])
    return found


def test_requests_are_counted_over_all_processes_and_not_at_the_public_port(tmp_path):
    port = free_port()
    variables = {"METRICS_PORT": port, "WEB_CONCURRENCY": 2, **NO_DATABASE}
    with serving(tmp_path / "log", **variables) as site:
        before = figure(figures(port), "shiporskip_requests_total", route="bookmarks")
        assert before == 0
        for _ in range(30):
            assert site.get("/bookmarks/")[0] == 200
        assert site.get("/bookmarks/", method="PROPFIND")[0] == 405
        assert site.get("/")[0] == 503
        assert site.get("/metrics")[0] in (404, 503)
        text = figures(port)
        counted = {"route": "bookmarks", "method": "GET", "status": "200"}
        assert figure(text, "shiporskip_requests_total", **counted) == 30
        assert figure(text, "shiporskip_requests_total", **counted, kept="yes") >= 28
        # Each process makes the page once.
        assert figure(text, "shiporskip_requests_total", **counted, kept="no") >= 1
        assert figure(text, "shiporskip_requests_total", method="other", status="405") == 1
        assert figure(text, "shiporskip_requests_total", route="home", status="503") == 1
        assert figure(text, "shiporskip_request_seconds_count", route="bookmarks") == 31
        # Whoever has the port may die: another process takes over, and nothing is forgotten.
        for worker in site.workers():
            subprocess.run(["kill", "-9", str(worker)], check=True)
        text = figures(port)
        assert figure(text, "shiporskip_requests_total", **counted) == 30


def test_a_host_that_is_none_of_ours_is_told(tmp_path):
    variables = {"METRICS_PORT": free_port(), "METRICS_HOST": "192.0.2.1", "WEB_CONCURRENCY": 1}
    with serving(tmp_path / "log", **variables, **NO_DATABASE) as site:
        deadline = time.monotonic() + PATIENCE
        while not (errors := site.errors()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert "There are no figures at METRICS_HOST, METRICS_PORT" in errors[0]["message"]


def test_without_a_port_there_are_no_figures_and_the_library_is_not_loaded(tmp_path):
    code = "import sys; from shiporskip import wsgi; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env=environment(DJANGO_SETTINGS_MODULE="shiporskip.settings", **NO_DATABASE),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "prometheus_client" not in loaded
    assert "sentry_sdk" not in loaded


def test_a_worker_has_a_port_of_its_own_and_tells_how_the_digest_stands(postgres, tmp_path):
    port = free_port()
    log = tmp_path / "log"
    worker = Site(log, *("manage.py", "worker"), DATABASE_URL=postgres.url, METRICS_PORT=port - 1)
    try:
        deadline = time.monotonic() + PATIENCE
        while not figure(text := figures(port), "shiporskip_jobs_total", outcome="done"):
            assert time.monotonic() < deadline, text
            time.sleep(0.2)
        assert figure(text, "shiporskip_lanes", state="held") == 0
        assert "shiporskip_jobs_waiting" in text
    finally:
        worker.process.terminate()
        worker.process.wait(PATIENCE)
