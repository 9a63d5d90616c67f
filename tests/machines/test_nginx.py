"""The documented nginx before the real site: what it keeps, lets through and survives."""

import gzip
import http.client
import re
import socket
import time

import brotli
import pytest

from .nginx import Nginx
from .programs import wait_for
from .web import Reader, Web

PAGE = "/tools/claude-4-sonnet/"
#: With this setting pages are fresh for two seconds in nginx, and may be shown for two more. It
#: counts in whole seconds.
MAX_AGE = 8
#: What `X-Cache` says of a page that came from the cache; a busy machine may take two seconds.
KEPT = {"HIT", "STALE"}


@pytest.fixture(scope="module")
def web(folder, primary):
    web = Web(folder, DATABASE_URL=primary.url(), PAGE_MAX_AGE=str(MAX_AGE), PROXY_COUNT="1")
    try:
        yield web.start()
    finally:
        web.stop()


@pytest.fixture
def nginx(tmp_path, web):
    server = Nginx(tmp_path, web.port)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def reader(nginx):
    return Reader(nginx)


def test_a_page_is_fetched_once_and_then_kept(reader):
    first, second = reader.get(PAGE), reader.get(PAGE)
    assert first.headers["X-Cache"] == "MISS"
    assert second.headers["X-Cache"] in KEPT
    assert first.body == second.body
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    for name in ("ETag", "Cache-Control", "Content-Security-Policy", "X-Content-Type-Options"):
        assert first.headers[name] == second.headers[name]
        assert second.headers.get_all(name) == [second.headers[name]]


def test_whatever_a_browser_takes_one_of_three_kinds_is_kept(reader):
    for said, kind, unpack in (
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("br;q=1.0, gzip", "br", brotli.decompress),
        ("gzip, deflate", "gzip", gzip.decompress),
        ("br;q=0, gzip", "gzip", gzip.decompress),
        ("identity", None, bytes),
    ):
        answer = reader.get("/", **{"Accept-Encoding": said})
        assert answer.headers["Content-Encoding"] == kind
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert b"</html>" in unpack(answer.body)
    assert reader.get("/", **{"Accept-Encoding": "br"}).headers["X-Cache"] in KEPT
    assert reader.get("/", **{"Accept-Encoding": "gzip;q=0.9"}).headers["X-Cache"] in KEPT


def test_whoever_has_a_page_is_told_so_from_here(reader):
    etag = reader.get(PAGE).headers["ETag"]
    assert reader.get(PAGE, **{"If-None-Match": etag}).status == 304


def test_an_old_page_is_shown_while_it_is_fetched_anew(reader):
    reader.get(PAGE)

    def how_it_came_when_it_was_old():
        told = reader.get(PAGE).headers["X-Cache"]
        return told if told != "HIT" else ""

    assert wait_for(how_it_came_when_it_was_old) == "STALE"
    wait_for(lambda: reader.get(PAGE).headers["X-Cache"] == "HIT")


def test_a_page_that_is_older_than_that_is_asked_for_first(reader):
    reader.get(PAGE)
    time.sleep(5.1)
    assert reader.get(PAGE).headers["X-Cache"] in {"EXPIRED", "REVALIDATED"}


def test_who_has_just_voted_goes_past_it_and_others_get_what_that_brought(nginx):
    voter, other = Reader(nginx), Reader(nginx)
    other.get(PAGE)
    assert voter.post(f"{PAGE}vote/", {"choice": "ship"}).status == 303
    assert voter.cookie("fresh") == "1"
    shown = voter.get(PAGE)
    assert shown.headers["X-Cache"] == "BYPASS"
    assert "1 vote" in shown.text
    assert "1 vote" in other.get(PAGE).text
    assert other.get(PAGE).headers["X-Cache"] in KEPT


@pytest.mark.parametrize(
    "path",
    ["/admin/login/", "/nope/", "/healthz", "/digest/token/"],
)
def test_what_is_for_one_reader_or_nowhere_is_not_kept(reader, path):
    for _ in range(2):
        assert reader.get(path).headers["X-Cache"] in {"MISS", "BYPASS", "EXPIRED"}


def test_a_forged_host_is_refused_and_leaves_no_page_behind(reader, nginx):
    reader.get(PAGE)
    for _ in range(2):
        assert reader.get(PAGE, Host="evil.example").status == 400
    assert reader.get(PAGE).status == 200


def test_the_site_learns_who_asks_and_under_which_id(nginx, web):
    answer = Reader(nginx).get("/nope/", **{"X-Request-ID": "made-up-by-a-client"})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert answer.headers.get_all("X-Request-ID") == [answer.headers["X-Request-ID"]]


def test_a_body_that_is_too_large_is_refused(nginx):
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    connection.putrequest("POST", "/tools/claude-4-sonnet/vote/")
    connection.putheader("Content-Length", str(17 * 1024 * 1024))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_static_files_come_from_the_folder_and_else_from_the_site(reader, nginx, tmp_path):
    asks_the_site = "Ship or Skip" in reader.get("/static/css/nope.css").text
    assert asks_the_site
    files = tmp_path / "files" / "css"
    files.mkdir(parents=True)
    (files / "base.0123456789ab.css").write_text("a{}")
    (files / "base.0123456789ab.css.gz").write_bytes(gzip.compress(b"a{}"))
    nginx.serve_static(files.parent)
    packed = reader.get("/static/css/base.0123456789ab.css", **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == b"a{}"
    assert packed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["X-Content-Type-Options"] == "nosniff"
    assert packed.headers["Content-Type"] == "text/css"
    plain = reader.get("/static/css/base.0123456789ab.css")
    assert plain.body == b"a{}"
    # What is not in the folder is still the site's.
    assert "Ship or Skip" in reader.get("/static/css/nope.css").text


def raw(nginx, *lines):
    """Send a request as it is, and return the whole answer."""
    with socket.create_connection(("127.0.0.1", nginx.port), 10) as connected:
        connected.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        return b"".join(iter(lambda: connected.recv(65536), b"")).decode(errors="replace")


def test_whoever_names_no_host_is_not_told_where_the_site_is(folder, primary, tmp_path):
    web = Web(folder, DATABASE_URL=primary.url(), SITE_URL="https://example.org")
    nginx = Nginx(tmp_path, web.port)
    try:
        web.start()
        nginx.start()
        answer = raw(nginx, "GET /tools/ HTTP/1.0")
        assert answer.startswith("HTTP/1.1 301")
        assert str(web.port) not in answer
        assert "127.0.0.1" not in answer
    finally:
        nginx.stop()
        web.stop()


def test_a_host_in_the_request_line_is_none_under_which_a_page_is_kept(nginx):
    ours, close = f"Host: 127.0.0.1:{nginx.port}", "Connection: close"
    answer = raw(nginx, "GET http://evil.example/tools/ HTTP/1.1", ours, close)
    assert answer.startswith("HTTP/1.1 200")
    asked = raw(nginx, "GET /tools/ HTTP/1.1", "Host: evil.example", close)
    assert asked.startswith("HTTP/1.1 400")


def test_a_page_that_is_gone_does_not_come_back_while_the_site_is_away(folder, primary, tmp_path):
    gone = "/tools/gpt-5-mini-api/"
    web = Web(folder, DATABASE_URL=primary.url(), PAGE_MAX_AGE=str(MAX_AGE))
    web.start()
    nginx = Nginx(tmp_path, web.port)
    change = "UPDATE tools_tool SET status = '{}' WHERE slug = 'gpt-5-mini-api'"
    try:
        nginx.start()
        reader = Reader(nginx)
        assert reader.get(gone).status == 200
        primary.ask(change.format("withdrawn"))
        wait_for(lambda: reader.get(gone).status == 404)
        web.stop()
        time.sleep(1.1)
        assert reader.get(gone).status == 404
    finally:
        primary.ask(change.format("published"))
        nginx.stop()
        web.stop()


def test_it_goes_on_showing_pages_while_the_site_is_away(folder, primary, tmp_path):
    web = Web(folder, DATABASE_URL=primary.url(), PAGE_MAX_AGE=str(MAX_AGE))
    web.start()
    nginx = Nginx(tmp_path, web.port)
    try:
        nginx.start()
        reader = Reader(nginx)
        page = reader.get(PAGE)
        assert page.status == 200
        web.stop()
        time.sleep(5.1)  # older than it may be as long as there is a site
        for _ in range(3):
            answer = reader.get(PAGE)
            assert (answer.status, answer.headers["X-Cache"]) == (200, "STALE")
            assert answer.body == page.body
        assert reader.get("/tools/").status == 502  # which nobody has asked for before
        web.start()
        wait_for(lambda: reader.get("/tools/").status == 200)
        wait_for(lambda: reader.get(PAGE).headers["X-Cache"] != "STALE")
    finally:
        nginx.stop()
        web.stop()
