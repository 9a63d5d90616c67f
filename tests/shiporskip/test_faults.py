"""What happens when things break: each with a real server of each kind."""

import signal
import socket
import time

import psutil
import pytest

from tests.postgres import PATIENCE
from tests.serving import Load, manage, serving

PAGE = "/compare/"
DATA = "/tools/nothing-of-this-name.json"


@pytest.fixture(scope="module")
def site(_postgres, tmp_path_factory):
    log = tmp_path_factory.mktemp("site") / "log"
    with serving(log, DATABASE_URL=_postgres.url, WEB_CONCURRENCY=2, PAGE_MAX_AGE=0) as running:
        yield running


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in order", "as a crash"])
def test_a_restart_of_postgres_under_load_is_a_503_for_a_while_and_needs_no_restart_of_ours(
    site, postgres, how
):
    site.wait_until("/readyz", 200)
    workers = site.workers()
    with Load(site, PAGE, "/healthz") as load:
        load.wait_for(200)
        postgres.stop(how)
        load.wait_for(503)
        status, headers, body = site.get(PAGE, Accept="text/html")
        assert (status, headers["Retry-After"], headers["Cache-Control"]) == (503, "10", "no-store")
        assert b"Back in a moment" in body
        assert site.get(DATA)[0] == 503
        assert site.get("/readyz")[0] == 503
        assert site.get("/healthz")[0] == 200
        log_in = {"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"}
        assert site.get("/admin/", Accept="text/html", **log_in)[0] == 503
        postgres.start()
        site.wait_until(PAGE, 200)
        load.wait_for(200)
    assert set(load.statuses) == {200, 503}
    assert not load.errors
    assert site.workers() == workers
    site.wait_until("/readyz", 200)
    told = [line for line in site.lines() if line["logger"] == "shiporskip.away"]
    assert 0 < len(told) < 20
    assert not [line for line in site.lines() if "exc_info" in line]


def test_a_database_that_hangs_is_told_within_the_time_that_a_probe_waits(site, postgres):
    site.wait_until("/readyz", 200)
    server = psutil.Process(postgres.process.pid)
    # First, because it makes and collects no children then: those that end meanwhile stay.
    server.suspend()
    children = server.children(recursive=True)
    try:
        for process in children:
            process.suspend()
        began = time.monotonic()
        status, _, body = site.get("/readyz")
        assert (status, body) == (503, b"the database does not answer\n")
        assert time.monotonic() - began < 5
    finally:
        # The server last: it would collect a child that had just ended, and whose turn is not yet.
        for process in [*children, server]:
            process.resume()
    site.wait_until("/readyz", 200)


def test_a_database_that_vanishes_with_its_machine_holds_nobody_up_for_minutes(postgres):
    code = (
        "import os, socket; from django.db import connection; connection.ensure_connection();"
        "line = socket.socket(fileno=os.dup(connection.connection.fileno()));"
        "print(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),"
        "line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))"
    )
    done = manage("shell", "--no-imports", "-c", code, DATABASE_URL=postgres.url)
    assert done.stdout.split() == ["10000", "10"], done.stderr


def test_a_process_that_is_killed_is_replaced_and_only_its_own_request_is_lost(site, postgres):
    site.wait_until("/readyz", 200)
    victim = site.workers()[0]
    with Load(site, PAGE) as load:
        load.wait_for(200)
        psutil.Process(victim).kill()
        deadline = time.monotonic() + PATIENCE
        while victim in site.workers() or len(site.workers()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        load.wait_for(200, times=30)
    assert set(load.statuses) == {200}
    # As many as it was answering, at most.
    assert len(load.errors) <= 4


def test_connections_that_send_nothing_keep_nobody_waiting(site):
    idle = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(60)]
    try:
        began = time.monotonic()
        assert site.get("/healthz")[0] == 200
        assert time.monotonic() - began < 4
    finally:
        for connection in idle:
            connection.close()


def test_whoever_sends_half_a_request_holds_up_others_for_a_while_at_most(site):
    slow = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(8)]
    for number, connection in enumerate(slow):
        half_a_form = (
            b"POST /digest/sign-up/ HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        )
        half_a_form += (
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 90\r\n\r\na"
        )
        connection.sendall(b"GET / HT" if number % 2 else half_a_form)
    time.sleep(0.5)
    before = len(site.lines())
    try:
        assert site.get("/healthz", timeout=40)[0] == 200
    finally:
        for connection in slow:
            connection.close()
    assert not [line for line in site.lines()[before:] if line["level"] == "ERROR"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(site):
    for path, length in [("/tools/x/vote/", 2 * 1024**2), ("/admin/import/", 10**12)]:
        with socket.create_connection(("127.0.0.1", site.port)) as connection:
            connection.settimeout(PATIENCE)
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
            connection.sendall(head.encode() + b"x" * 1000)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"That is too much at once" in answer


def test_no_header_of_a_reader_moves_the_site_below_a_path(site):
    for _ in range(8):  # for each process
        assert site.get("/evil/bookmarks/", SCRIPT_NAME="/evil")[0] == 404
        status, _, page = site.get("/bookmarks/")
        assert status == 200
        assert b"/evil" not in page


def test_pages_are_served_while_the_shared_cache_is_away(postgres, tmp_path):
    away = {"CACHE_URL": "redis://127.0.0.1:1/0"}
    with serving(tmp_path / "log", DATABASE_URL=postgres.url, WEB_CONCURRENCY=1, **away) as site:
        assert [site.get(PAGE)[0] for _ in range(3)] == [200, 200, 200]


def test_kept_pages_go_on_without_the_database_and_others_are_a_503(postgres, tmp_path):
    with serving(tmp_path / "log", DATABASE_URL=postgres.url, WEB_CONCURRENCY=1) as site:
        assert site.get(PAGE)[0] == 200
        postgres.stop()
        assert site.get(PAGE)[0] == 200
        assert site.get("/tools/")[0] == 503
        postgres.start()
        site.wait_until("/tools/", 200)
