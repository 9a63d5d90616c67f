"""Pages in a real Redis or Valkey, which processes share; and what happens when it is away."""

import pytest
from django.core.cache import caches
from django.test import Client, override_settings

from shiporskip import kept_pages, page_cache, release
from shiporskip.kept_pages import Page, PageSerializer
from tests import cast
from tests.machines.programs import Program, answers, free_port, needed
from tests.shiporskip.kept import KEY, PAGE, forget, grow_older, look, page_cache_on, said
from tools.models import Tool

__all__ = ["page_cache_on"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("page_cache_on")]


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """The address of a Redis."""
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    found = needed("redis-server", "valkey-server", package="redis-server")
    command = [found, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    server = Program(command, folder / "log").start()
    try:
        server.wait_until(lambda: answers(port))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.stop()


def pages_at(address, prefix="here"):
    """Return the settings that CACHE_URL makes."""
    return {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "pages": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": address,
            "KEY_PREFIX": prefix,
            "OPTIONS": {
                "serializer": "shiporskip.kept_pages.PageSerializer",
                "socket_connect_timeout": 0.25,
                "socket_timeout": 0.25,
            },
        },
    }


@pytest.fixture
def shared(redis):
    page_cache.shared._rests_until = 0
    with override_settings(CACHES=pages_at(redis)):
        caches["pages"].clear()
        yield caches["pages"]


def test_another_process_answers_with_what_the_first_has_rendered(client, shared):
    cast.alpha()
    small = {"accept-encoding": "br"}
    first = client.get(PAGE, headers=small)
    assert first.page_cache == "made"
    forget()  # another process has nothing
    second = Client().get(PAGE, headers=small)
    assert second.page_cache == "kept"
    assert second.content == first.content
    assert said(second) == said(first)


def test_only_the_first_hit_of_a_process_asks_redis(client, shared, monkeypatch):
    cast.alpha()
    client.get(PAGE)
    forget()
    client.get(PAGE)
    monkeypatch.setattr(page_cache.shared, "get", None)
    assert client.get(PAGE).page_cache == "kept"


def test_what_is_shared_is_as_new_as_everything_else(client, shared):
    cast.alpha()
    client.get(PAGE)
    Tool.objects.update(name="Alpha Two")
    forget()
    answer = client.get(PAGE)
    assert answer.page_cache == "made"
    assert "Alpha Two" in answer.content.decode()
    page = grow_older(31)
    page_cache.shared.put(KEY, page)
    page_cache.memory.clear()
    assert client.get(PAGE).page_cache == "made"


def test_what_was_shared_stands_in_where_a_page_cannot_be_made(client, shared, monkeypatch):
    cast.alpha()
    client.get(PAGE)
    forget()
    monkeypatch.setattr("shiporskip.page_cache._is_current", lambda page, known: False)
    monkeypatch.setattr("tools.views.Tool", None)
    client.raise_request_exception = False
    assert client.get(PAGE).page_cache == "old"


def test_a_page_that_is_gone_is_gone_for_every_process(client, shared):
    cast.alpha()
    client.get(PAGE)
    Tool.objects.update(status="withdrawn")
    look()
    assert client.get(PAGE).status_code == 404
    assert page_cache.shared.get(KEY) is None


def test_another_release_begins_anew(client, redis, shared):
    cast.alpha()
    client.get(PAGE)
    forget()
    with override_settings(CACHES=pages_at(redis, prefix="later")):
        assert client.get(PAGE).page_cache == "made"


def test_a_redis_that_is_away_is_as_if_it_were_empty(client, caplog):
    cast.alpha()
    page_cache.shared._rests_until = 0
    with override_settings(CACHES=pages_at(f"redis://127.0.0.1:{free_port()}/0")):
        for source in ("made", "kept"):
            assert client.get(PAGE).page_cache == source
        client.get("/tools/")
    assert [record.getMessage() for record in caplog.records] == [
        "The cache at CACHE_URL does not answer: ConnectionError"
    ]
    page_cache.shared._rests_until = 0


def test_what_is_no_page_there_is_not_shown_and_not_run(client, shared):
    cast.alpha()
    client.get(PAGE)
    key = shared.make_key(KEY)
    client_of_redis = shared._cache.get_client(write=True)
    for rubbish in (b"", b"{}", b"\x80\x04K\x01.", b"null\n", b'{"lengths": {}}\n'):
        client_of_redis.set(key, rubbish)
        page_cache.memory.clear()
        page_cache.shared._rests_until = 0
        assert client.get(PAGE).page_cache == "made"
    page_cache.shared._rests_until = 0


def test_a_page_is_the_same_after_the_way_there_and_back(client):
    cast.alpha()
    client.get(PAGE, headers={"accept-encoding": "gzip"})
    client.get(PAGE, headers={"accept-encoding": "br"})
    page = page_cache.memory.get(KEY)
    back = PageSerializer().loads(PageSerializer().dumps(page))
    assert isinstance(back, Page)
    assert back == page


def test_keys_hold_whatever_an_address_may_be(client, shared):
    cast.alpha()
    address = "/tools/?q=" + "%20%0A" * 60 + "ü"
    client.get(address)
    forget()
    assert client.get(address).page_cache == "kept"


def test_a_release_is_told_by_its_sources(tmp_path):
    (tmp_path / "templates").mkdir()
    page = tmp_path / "templates" / "page.html"
    page.write_text("one")
    marks = {release.mark(tmp_path), release.mark(tmp_path, "other site")}
    page.write_text("two")
    marks.add(release.mark(tmp_path))
    page.write_text("one")
    assert len(marks) == 3
    assert release.mark(tmp_path) in marks


def test_redis_is_asked_again_after_a_while(monkeypatch):
    shared = kept_pages.SharedMemory()
    with override_settings(CACHES=pages_at(f"redis://127.0.0.1:{free_port()}/0")):
        shared.get("x")
        assert shared._rests_until > 0
        monkeypatch.setattr("shiporskip.kept_pages.time.monotonic", lambda: shared._rests_until + 1)
        asked = []
        shared._ask(lambda cache: asked.append(1))
        assert asked
