"""Pages that are kept: the same bytes for everybody, and nobody's own."""

import gzip
import time
from unittest.mock import patch

import brotli
import pytest
from django.test import Client
from django.utils.http import http_date

from shiporskip import page_cache
from shiporskip.kept_pages import accepted, key_of
from tests import cast
from tests.shiporskip.kept import (
    KEY,
    PAGE,
    alpha,
    forget,
    grow_older,
    look,
    page_cache_on,
    rename,
    renderings,
    said,
)
from tools.models import Tool
from tools.status import Status

__all__ = ["alpha", "page_cache_on", "renderings"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("page_cache_on")]
OURS = {"Sec-Fetch-Site": "same-origin"}


# What is answered


def test_the_second_reader_gets_the_same_bytes_without_a_query(
    client, alpha, django_assert_num_queries
):
    first = client.get(PAGE)
    assert first.page_cache == "made"
    with django_assert_num_queries(0):
        second = Client(headers={"user-agent": "another"}).get(PAGE)
    assert second.page_cache == "kept"
    assert second.content == first.content
    assert said(second) == said(first)


def test_a_kept_page_has_every_header_that_a_rendered_one_has(client, alpha, settings):
    client.get(PAGE)
    kept = client.get(PAGE)
    settings.PAGE_MAX_AGE = 0
    bare = client.get(PAGE)
    ours = {"ETag", "Last-Modified", "Vary", "Cache-Control", "CDN-Cache-Control"}
    assert set(kept.headers) - set(bare.headers) == ours - set(bare.headers)
    same = set(said(bare)) - ours
    assert {name: kept[name] for name in same} == {name: bare[name] for name in same}


def test_a_page_says_who_may_keep_it_and_for_how_long(client, alpha):
    answer = client.get(PAGE)
    assert answer["Cache-Control"] == (
        "public, max-age=0, must-revalidate, s-maxage=15, stale-while-revalidate=15, "
        "stale-if-error=86400"
    )
    assert answer["CDN-Cache-Control"] == (
        "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400"
    )
    assert answer["Vary"] == "Accept-Encoding"
    assert answer["ETag"].startswith('"')
    assert not answer.cookies


def test_what_the_whole_way_may_take_adds_up_to_the_setting(settings):
    from tools.addresses import _cache_policies

    for age in (60, 10, 4, 3600):
        settings.PAGE_MAX_AGE = age
        policy, _ = _cache_policies()
        fresh, stale = (
            int(policy.split(f"{name}=")[1].split(",")[0])
            for name in ("s-maxage", "stale-while-revalidate")
        )
        assert age / 2 + fresh + stale <= age


def test_whoever_has_the_page_is_told_304_without_a_query(client, alpha, django_assert_num_queries):
    etag = client.get(PAGE)["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        with django_assert_num_queries(0):
            answer = client.get(PAGE, headers={"if-none-match": known})
        assert answer.status_code == 304
        assert not answer.content
        assert answer["ETag"] == etag
        assert "s-maxage" in answer["Cache-Control"]
        assert answer["Vary"] == "Accept-Encoding"
        assert "Content-Type" not in answer


def test_a_304_is_told_even_to_the_first_who_asks_after_a_rendering(client, alpha):
    etag = client.get(PAGE)["ETag"]
    forget()
    assert client.get(PAGE, headers={"if-none-match": etag}).status_code == 304
    assert client.get(PAGE).page_cache == "kept"


def test_another_or_an_unreadable_etag_gets_the_page(client, alpha):
    client.get(PAGE)
    for known in ('"other"', "garbage", '"'):
        assert client.get(PAGE, headers={"if-none-match": known}).status_code == 200


def test_a_date_is_enough_for_a_304_unless_an_etag_says_otherwise(client, alpha):
    at = client.get(PAGE)["Last-Modified"]
    earlier = http_date(time.time() - 3600)
    assert client.get(PAGE, headers={"if-modified-since": at}).status_code == 304
    assert client.get(PAGE, headers={"if-modified-since": earlier}).status_code == 200
    assert client.get(PAGE, headers={"if-modified-since": "no date"}).status_code == 200
    both = {"if-modified-since": at, "if-none-match": '"other"'}
    assert client.get(PAGE, headers=both).status_code == 200


def test_last_modified_stays_while_the_bytes_do(client, alpha):
    client.get(PAGE)
    page = page_cache.memory.get(KEY)
    page.changed_at -= 5000
    before = client.get(PAGE)["Last-Modified"]
    grow_older(40)
    again = client.get(PAGE)
    assert (again.page_cache, again["Last-Modified"]) == ("made", before)
    rename()
    look()
    assert client.get(PAGE)["Last-Modified"] != before


def test_head_is_answered_like_get_without_the_body(client, alpha, django_assert_num_queries):
    head = client.head(PAGE)
    assert head.page_cache == "made"
    with django_assert_num_queries(0):
        page = client.get(PAGE)
        again = client.head(PAGE)
    assert page.page_cache == again.page_cache == "kept"
    assert said(head) == said(again) == said(page)
    assert int(again["Content-Length"]) == len(page.content) > 1000
    assert not again.content


def test_a_kept_page_is_logged_and_counted_under_the_name_of_its_address(client, alpha):
    client.get(PAGE)
    assert client.get(PAGE).wsgi_request.route == "tool"


def test_each_query_string_is_a_page_of_its_own(client, alpha):
    one, two = client.get("/tools/?sort=name"), client.get("/tools/?sort=newest")
    assert one.page_cache == two.page_cache == "made"
    assert one["ETag"] != two["ETag"]
    assert client.get("/tools/?sort=name").content == one.content


def test_a_question_mark_in_a_path_begins_no_query(client, alpha):
    assert client.get("/tools/ALPHA?x=1?").status_code == 301
    assert client.get("/tools/ALPHA%3Fx=1").status_code == 404


def test_a_redirect_to_the_one_address_is_kept_too(client, alpha, django_assert_num_queries):
    assert client.get("/tools/ALPHA").status_code == 301
    with django_assert_num_queries(0):
        answer = client.get("/tools/ALPHA", headers={"if-none-match": "*"})
    assert (answer.status_code, answer["Location"]) == (301, "/tools/alpha/")


# Encodings


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.0, gzip;q=0", "identity"),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", "gzip"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("identity", "identity"),
        ("br;q=nonsense", "identity"),
        ("deflate", "identity"),
        ("", "identity"),
    ],
)
def test_the_smallest_encoding_that_is_accepted_is_sent(said, encoding):
    assert accepted(said) == encoding


def test_every_encoding_unpacks_to_the_same_page_and_has_an_etag_of_its_own(client, alpha):
    plain = client.get(PAGE)
    small = client.get(PAGE, headers={"accept-encoding": "br"})
    medium = client.get(PAGE, headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in plain
    assert (small["Content-Encoding"], medium["Content-Encoding"]) == ("br", "gzip")
    assert brotli.decompress(small.content) == gzip.decompress(medium.content) == plain.content
    assert len(small.content) < len(medium.content) < len(plain.content)
    assert len({answer["ETag"] for answer in (plain, small, medium)}) == 3
    for answer in (plain, small, medium):
        assert int(answer["Content-Length"]) == len(answer.content)
    # What one encoding is known by says nothing of another.
    known = {"if-none-match": small["ETag"]}
    assert client.get(PAGE, headers=known).status_code == 200
    assert client.get(PAGE, headers=known | {"accept-encoding": "br"}).status_code == 304


def test_an_encoding_is_made_once_and_the_plain_page_is_not_kept_beside_it(client, alpha):
    with (
        patch("shiporskip.kept_pages.brotli.compress", wraps=brotli.compress) as smaller,
        patch("shiporskip.kept_pages.gzip.compress", wraps=gzip.compress) as small,
    ):
        for said in ("br", "gzip", "br", "gzip", "identity", "br"):
            client.get(PAGE, headers={"accept-encoding": said})
    assert (smaller.call_count, small.call_count) == (1, 1)
    page = page_cache.memory.get(KEY)
    assert page.bodies.keys() == {"br", "gzip"}
    assert page_cache.memory.size == page.size


def test_a_page_that_is_dropped_while_it_is_encoded_does_not_come_back(client, alpha):
    client.get(PAGE)
    compress = brotli.compress

    def compressed(plain, quality):
        page_cache.memory.drop(KEY)
        return compress(plain, quality=quality)

    with patch("shiporskip.kept_pages.brotli.compress", compressed):
        assert client.get(PAGE, headers={"accept-encoding": "br"}).status_code == 200
    assert page_cache.memory.get(KEY) is None


def test_pictures_are_sent_as_they_are(client, alpha):
    answer = client.get("/og/tools/alpha.png", headers={"accept-encoding": "br, gzip"})
    assert answer.page_cache == "made"
    assert "Content-Encoding" not in answer
    assert answer.content.startswith(b"\x89PNG")


# What is never kept


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nope/", 404),
        ("/tools/nope/", 404),
        ("/tools/nope.json", 404),
        ("/search/?q=alpha+vs+beta", 302),
        ("/healthz", 200),
        ("/admin/login/", 200),
        ("/digest/token/", 200),
        ("/digest/leave/x/", 404),
        ("/digest/preferences/x/", 404),
        ("/preview/tools/x/", 404),
    ],
)
def test_what_is_somebodys_own_or_no_page_is_not_kept(client, alpha, address, status):
    cast.beta()
    for _ in range(2):
        answer = client.get(address)
        assert answer.status_code == status
        assert not hasattr(answer, "page_cache")
    assert not page_cache.memory.size


def test_a_preview_is_not_kept(client, alpha):
    from tools.previews import sign

    address = f"/preview/tools/{sign(alpha)}/"
    assert client.get(address).status_code == 200
    assert not page_cache.memory.size


def test_a_personal_page_of_a_subscriber_is_not_kept(client):
    from tests.digest import cast as subscribers

    address = subscribers.preferences_page(subscribers.subscriber())
    answer = client.get(address)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert not page_cache.memory.size


def test_the_answer_to_a_post_is_neither_kept_nor_from_the_cache(client, alpha):
    client.get(PAGE)
    assert client.post(PAGE).status_code == 405
    assert client.put(PAGE).status_code == 405
    assert client.get(PAGE).page_cache == "kept"


def test_an_editor_without_the_cookie_of_writers_reads_what_everybody_reads(
    client, admin_client, alpha
):
    page = client.get(PAGE)
    answer = admin_client.get(PAGE)
    assert answer.page_cache == "kept"
    assert answer.content == page.content


@pytest.mark.parametrize(
    "spoil",
    [
        lambda response: response.set_cookie("a", "b"),
        lambda response: response.__setitem__("Vary", "Cookie"),
        lambda response: response.__setitem__("Cache-Control", "public, no-store"),
        lambda response: response.__setitem__("Cache-Control", "private"),
        lambda response: response.__setitem__("Content-Encoding", "zstd"),
    ],
)
def test_an_answer_that_is_somebodys_own_is_not_kept_even_if_its_page_is(
    client, alpha, monkeypatch, spoil
):
    from tools import views

    render = views.render

    def spoilt(*args, **kwargs):
        response = render(*args, **kwargs)
        spoil(response)
        return response

    monkeypatch.setattr(views, "render", spoilt)
    assert client.get(PAGE).status_code == 200
    assert not page_cache.memory.size


def test_a_forged_host_is_refused_also_where_the_page_is_kept(client, alpha):
    client.get(PAGE)
    answer = client.get(PAGE, headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert b"evil" not in answer.content


def test_a_page_that_is_gone_does_not_come_back(client, alpha, monkeypatch):
    client.get(PAGE)
    Tool.objects.update(status=Status.WITHDRAWN)
    look()
    assert client.get(PAGE).status_code == 404
    monkeypatch.setattr("tools.views.Tool", None)
    client.raise_request_exception = False
    assert client.get(PAGE).status_code == 500


def test_a_page_that_is_gone_says_so_to_the_caches_behind_us(client, alpha):
    assert client.get("/tools/nope/")["Cache-Control"] == page_cache.GONE
    assert "no-store" in client.get("/preview/tools/x/")["Cache-Control"]
    assert "Cache-Control" not in client.get("/nope/")


# The card for other people's pages keeps what makes it one


def test_what_may_stand_in_a_frame_may_so_when_it_is_kept(client, alpha):
    cast.beta()
    for source in ("made", "kept"):
        answer = client.get("/embed/alpha-vs-beta/")
        assert answer.page_cache == source
        assert "X-Frame-Options" not in answer
        assert "frame-ancestors *" in answer["Content-Security-Policy"]
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["Cache-Control"] == "public, max-age=600"
    again = client.get("/embed/alpha-vs-beta/", headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304
    assert "X-Frame-Options" not in again
    assert again["Content-Security-Policy"] == answer["Content-Security-Policy"]


# Room


def test_pages_take_no_more_room_than_they_are_given(client, alpha, settings):
    settings.PAGE_CACHE_BYTES = 100_000
    page_cache.memory.clear()
    for number in range(30):
        for encoding in ("identity", "br", "gzip"):
            client.get(f"/tools/?page=1&x={number}", headers={"accept-encoding": encoding})
            assert page_cache.memory.size <= 100_000
    assert page_cache.memory.size > 50_000
    assert client.get("/tools/?page=1&x=29").page_cache == "kept"
    assert client.get("/tools/?page=1&x=0").page_cache == "made"


def test_what_a_redirect_repeats_of_a_long_address_counts(client, alpha):
    assert client.get(f"/tools/ALPHA?x={'y' * 3000}").page_cache == "made"
    assert page_cache.memory.size > 3000
    assert len(key_of("/tools/ALPHA", "y" * 3000)) < 100


def test_a_page_that_is_larger_than_the_room_is_answered_all_the_same(client, alpha, settings):
    settings.PAGE_CACHE_BYTES = 2000
    page_cache.memory.clear()
    assert client.get(PAGE).status_code == 200
    assert not page_cache.memory.size


def test_a_setting_of_zero_keeps_nothing(client, alpha, settings):
    settings.PAGE_MAX_AGE = 0
    for _ in range(2):
        assert not hasattr(client.get(PAGE), "page_cache")


def test_the_middleware_stands_right_inside_of_what_redirects_to_https(settings):
    outside = settings.MIDDLEWARE.index("django.middleware.security.SecurityMiddleware")
    assert settings.MIDDLEWARE.index("shiporskip.page_cache.PageCache") == outside + 1
