"""Several machines keep their pages in one Redis, and do without it when it is away."""

import threading
import time
from itertools import count

import pytest

from .programs import wait_for
from .redis import Redis
from .web import Reader, Web

TOOL = "/tools/claude-4-opus/"


@pytest.fixture(scope="module")
def redis(folder):
    server = Redis(folder / "redis")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def machines(folder, primary, redis):
    """Two sites, as on two machines: nothing is common but Postgres, Redis and the settings."""
    variables = {
        "DATABASE_URL": primary.url(name="pages"),
        "CACHE_URL": redis.url,
        "SITE_URL": "http://localhost",
    }
    sites = []
    try:
        for _ in range(2):
            sites.append(Web(folder, **variables))
            sites[-1].start()
        yield sites
    finally:
        for site in sites:
            site.stop()


def renderings(primary, begin):
    """How often a page was made since the log had this length: each reads its tool."""
    return sum("tools_plan" in entry for entry in primary.statements("pages", begin))


def rename(primary, name):
    primary.ask("UPDATE tools_tool SET name = %s WHERE slug = 'claude-4-opus'", name)


def test_a_page_that_one_machine_has_made_is_there_for_the_other(machines, primary):
    one, other = map(Reader, machines)
    rename(primary, "Shared")
    time.sleep(1.1)  # each process looks once a second whether anything has changed
    address = f"{TOOL}?n=1"
    first = one.get(address)
    assert "Shared" in first.text
    begin = primary.log.stat().st_size
    second = other.get(address)
    assert renderings(primary, begin) == 0
    assert second.body == first.body
    for name in ("ETag", "Last-Modified", "Content-Security-Policy", "Cache-Control"):
        assert second.headers[name] == first.headers[name], name
    assert other.get(address, **{"If-None-Match": first.headers["ETag"]}).status == 304
    assert other.get(address, **{"If-Modified-Since": first.headers["Last-Modified"]}).status == 304


def test_a_change_is_seen_by_both_within_seconds(machines, primary):
    readers = list(map(Reader, machines))
    for reader in readers:
        assert reader.get(TOOL).status == 200
    rename(primary, "Changed")
    for reader in readers:
        wait_for(lambda reader=reader: "Changed" in reader.get(TOOL).text, patience=10)


def test_an_editor_of_one_machine_sees_a_change_at_once_on_the_other(machines, primary):
    one, other = machines
    editor = Reader(one)
    editor.log_in()
    key = primary.ask("SELECT id FROM tools_tool WHERE slug = 'claude-4-opus'")
    address = f"/admin/tools/tool/{key}/change/"
    assert editor.post(address, editor.form(address) | {"name": "Edited"}).status == 302
    elsewhere = Reader(other)
    elsewhere.cookies = editor.cookies
    elsewhere.opener = editor.opener
    assert "Edited" in elsewhere.get(TOOL).text
    assert elsewhere.get(address).status == 200  # the log-in counts on both


def test_without_redis_pages_go_on_and_with_it_they_are_shared_again(machines, primary, redis):
    redis.stop()
    try:
        for number in range(10):
            for site in machines:
                assert Reader(site).get(f"{TOOL}?away={number}").status == 200
        rename(primary, "While away")
        for site in machines:
            reader = Reader(site)
            wait_for(lambda reader=reader: "While away" in reader.get(TOOL).text, patience=10)
    finally:
        redis.start()
    one, other = map(Reader, machines)

    numbers = count()

    def is_shared():
        address = f"{TOOL}?back={next(numbers)}"
        one.get(address)
        begin = primary.log.stat().st_size
        assert other.get(address).status == 200
        return renderings(primary, begin) == 0

    wait_for(is_shared)
    assert "does not answer" in machines[0].said()


def test_many_readers_of_both_machines_see_one_page(machines, primary):
    rename(primary, "For many")
    for site in machines:
        wait_for(lambda site=site: "For many" in Reader(site).get(TOOL).text, patience=10)
    bodies, lock = set(), threading.Lock()

    def read(site):
        for _ in range(5):
            answer = Reader(site).get(f"{TOOL}?many=1")
            with lock:
                bodies.add((answer.status, answer.body))

    threads = [threading.Thread(target=read, args=[site]) for site in machines for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 1
    assert next(iter(bodies))[0] == 200
