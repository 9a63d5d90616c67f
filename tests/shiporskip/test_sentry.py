"""What is reported to a Sentry: the fault and where, and nothing of whoever met it."""

import gzip
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import brotli
import pytest
from django.conf import settings

from tests.serving import environment

# A request that meets a fault, with everything in it that must not get out.
FAULT = """
from unittest import mock
import sentry_sdk
from shiporskip.wsgi import application
from django.test import RequestFactory
asked = RequestFactory().get("/digest/leave/secret-token/?q=secret-query", REMOTE_ADDR="192.0.2.7",
    headers={"user-agent": "Spy/1", "cookie": "voter=secret-cookie", "host": "localhost"})
told = []
with mock.patch("comparisons.digest.views.subscriber_of",
                side_effect=RuntimeError("no answer to ann@example.org")):
    application(asked.environ, lambda status, headers: told.extend([status, dict(headers)])).close()
print(told[0], told[1]["X-Request-ID"])
sentry_sdk.flush(10)
"""


@pytest.fixture
def sentry():
    """A server that keeps what is reported to it; returns its DSN and the reports."""
    kept = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            unpack = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}
            kept.append(unpack[self.headers.get("Content-Encoding")](body).decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://key@127.0.0.1:{server.server_port}/7", kept
    server.shutdown()
    server.server_close()


def test_a_fault_is_reported_with_its_request_and_nothing_of_the_reader(sentry):
    dsn, reports = sentry
    done = subprocess.run(
        [sys.executable, "-c", FAULT],
        cwd=settings.BASE_DIR,
        env=environment(
            DJANGO_SETTINGS_MODULE="shiporskip.settings",
            DATABASE_URL="postgres://nobody@127.0.0.1:1/none",
            SENTRY_DSN=dsn,
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    status, *_, request = done.stdout.split()
    assert status == "500"
    (report,) = reports
    event = json.loads(report.splitlines()[2])
    (fault,) = event["exception"]["values"]
    assert fault["type"] == "RuntimeError"
    assert fault["value"] == "no answer to a…@example.org"
    assert any("comparisons" in frame["filename"] for frame in fault["stacktrace"]["frames"])
    assert event["tags"]["request_id"] == request
    assert event["tags"]["method"] == "GET"
    assert "leave" in event["transaction"]
    for secret in ("secret", "192.0.2.7", "Spy", "ann@", "voter"):
        assert secret not in report
