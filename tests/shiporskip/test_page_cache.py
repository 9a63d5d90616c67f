"""Pages that are kept: the same bytes for everybody, as new as promised, and nobody's own."""

import gzip
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import brotli
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone
from django.utils.http import http_date

from reviews.scorecards import Verdict
from reviews.voters import new_voter
from reviews.voting import cast_vote
from shiporskip import page_cache
from shiporskip.kept_pages import accepted, key_of
from tests import cast
from tests.shiporskip.kept import KEY, PAGE, forget, grow_older, look, page_cache_on, said
from tests.shiporskip.test_admin import form_of
from tools import changes
from tools.changes import ContentChange, content_version
from tools.models import Tool
from tools.status import Status

__all__ = ["page_cache_on"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("page_cache_on")]
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def alpha(db):
    return cast.alpha()


@pytest.fixture
def renderings(monkeypatch):
    """What the site itself was asked for, past the cache."""
    seen = []
    from tools import views

    render = views.render

    def counted(request, template, *args, **kwargs):
        seen.append(request.path)
        return render(request, template, *args, **kwargs)

    monkeypatch.setattr(views, "render", counted)
    return seen


def rename(name="Alpha Two"):
    Tool.objects.filter(slug="alpha").update(name=name)


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


# How new a page is


def test_a_reader_sees_what_was_published_once_the_process_has_looked(client, alpha):
    client.get(PAGE)
    rename()
    assert "Alpha Two" not in client.get(PAGE).content.decode()
    look()
    answer = client.get(PAGE)
    assert "Alpha Two" in answer.content.decode()
    assert answer.page_cache == "made"


def test_a_process_looks_once_a_second(client, alpha, monkeypatch):
    assert page_cache.LOOK_EVERY == 3600  # of these tests
    monkeypatch.undo()
    assert page_cache.LOOK_EVERY == 1


def test_a_process_looks_no_more_often_than_it_should(client, alpha, monkeypatch):
    looks = []
    monkeypatch.setattr(page_cache, "content_version", lambda _: looks.append(1) or (1, 1, 1))
    for _ in range(5):
        client.get(PAGE)
    assert len(looks) == 1
    look()
    for _ in range(5):
        client.get(PAGE)
    assert len(looks) == 2


WRITES = {
    "a tool": lambda tool: Tool.objects.filter(pk=tool.pk).update(tagline="New"),
    "a vendor": lambda tool: type(tool.vendor).objects.update(name="New"),
    "a category": lambda tool: type(tool.category).objects.update(name="New"),
    "a plan": lambda tool: cast.add_plan(tool, "New"),
    "a price": lambda tool: cast.check_price(tool),
    "a review": lambda tool: cast.review(tool, "skip - - -"),
    "a comparison": lambda tool: cast.compare(tool, cast.gamma()),
    "a withdrawal": lambda tool: Tool.objects.update(status=Status.WITHDRAWN),
    "a deletion": lambda tool: cast.delta().delete(),
}


@pytest.mark.parametrize("what", WRITES)
def test_every_publishing_write_is_noted(alpha, what):
    before = content_version()
    WRITES[what](alpha)
    assert content_version() != before


def test_an_edition_and_a_ranking_are_noted_too(alpha):
    from reviews.placings import Placing, Ranking
    from tests.digest.cast import edition

    before = content_version()
    edition()
    after = content_version()
    ranking = Ranking.objects.create(category=alpha.category, basis="x")
    Placing.objects.create(ranking=ranking, tool=alpha, win_rate=50, low=40, high=60, duels=9)
    assert len({before, after, content_version()}) == 3


def test_a_ballot_makes_no_page_anew_for_others_but_for_who_cast_it(client, alpha):
    client.get(PAGE)
    before = content_version()
    voter = Client(headers=OURS)
    answer = voter.post(
        f"{PAGE}vote/", "choice=ship", content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 303
    assert content_version() == before
    look()
    assert client.get(PAGE).page_cache == "kept"
    assert voter.get(PAGE).page_cache == "made"


def test_a_ballot_is_on_the_page_when_half_of_the_setting_has_passed(client, alpha):
    client.get(PAGE)
    cast_vote(alpha.pk, new_voter(), Verdict.SHIP)
    grow_older(29)
    assert client.get(PAGE).page_cache == "kept"
    grow_older(2)
    assert "1 vote" in client.get(PAGE).content.decode()


def test_what_is_scheduled_appears_at_most_the_setting_late(client, alpha, settings):
    at = timezone.now() + timedelta(seconds=2)
    cast.make_tool("soon", status=Status.SCHEDULED, published_at=at)
    assert "soon" not in client.get("/tools/").content.decode()
    time.sleep((at - timezone.now()).total_seconds() + 0.1)
    grow_older(settings.PAGE_MAX_AGE / 2, "/tools/")
    assert "/tools/soon/" in client.get("/tools/").content.decode()


# Who has just written


def test_an_editor_sees_at_once_what_others_see_soon(client, alpha, admin_client):
    client.get(PAGE)
    address = f"/admin/tools/vendor/{alpha.vendor.pk}/change/"
    fields = form_of(admin_client.get(address)) | {"name": "Acme Two"}
    saved = admin_client.post(address, fields)
    assert saved.status_code == 302
    cookie = saved.cookies["fresh"]
    assert (cookie["max-age"], cookie["path"]) == (60, "/")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "Acme Two" in admin_client.get(PAGE).content.decode()


def test_the_cookie_is_secure_where_the_others_are(admin_client, alpha, settings):
    settings.SESSION_COOKIE_SECURE = True
    from django.http import HttpResponse

    from tools.freshness import show_writer

    response = HttpResponse()
    show_writer(response)
    assert response.cookies["fresh"]["secure"]


def test_what_a_writer_is_shown_is_kept_for_the_others(client, alpha):
    client.get(PAGE)
    rename()
    client.cookies["fresh"] = "1"
    assert "Alpha Two" in client.get(PAGE).content.decode()
    del client.cookies["fresh"]
    answer = client.get(PAGE)
    assert answer.page_cache == "kept"
    assert "Alpha Two" in answer.content.decode()


def test_refused_writes_and_reading_set_no_cookie(client, admin_client, alpha):
    address = f"/admin/tools/vendor/{alpha.vendor.pk}/change/"
    assert "fresh" not in admin_client.get(address).cookies
    assert "fresh" not in admin_client.get(PAGE).cookies
    assert "fresh" not in client.post(f"{PAGE}vote/", {"choice": "ship"}).cookies
    assert "fresh" not in client.post("/digest/sign-up/", {}).cookies


def test_privacy_names_the_cookie(site):
    assert "fresh" in site.get("/privacy/").text


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


# Trouble


def test_an_old_page_goes_on_where_a_new_one_cannot_be_made(client, alpha, monkeypatch):
    page = client.get(PAGE)
    grow_older(3600)
    client.raise_request_exception = False
    monkeypatch.setattr("tools.views.Tool", None)
    answer = client.get(PAGE)
    assert (answer.status_code, answer.page_cache) == (200, "old")
    assert answer.content == page.content
    grow_older(24 * 3600).rests_until = 0
    assert client.get(PAGE).status_code == 500


def test_a_page_that_could_not_be_made_is_not_tried_at_every_request(client, alpha, monkeypatch):
    tried = []

    class Broken:
        @property
        def objects(self):
            tried.append(1)
            raise OperationalError("away")

    client.get(PAGE)
    grow_older(40)
    client.raise_request_exception = False
    monkeypatch.setattr("tools.views.Tool", Broken())
    for _ in range(5):
        assert client.get(PAGE).page_cache == "old"
    assert len(tried) == 1
    monkeypatch.undo()


def test_a_database_that_is_away_leaves_what_is_known(monkeypatch):
    def away(database):
        raise OperationalError("away")

    watch = page_cache.VersionWatch()
    monkeypatch.setattr(page_cache, "content_version", away)
    assert watch.current() is None
    watch._known, watch._next_look = (1, 2, 2), 0
    assert watch.current() == (1, 2, 2)


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


# The nightly job


def test_old_changes_are_forgotten_and_no_version_ever_comes_back(alpha):
    seen = {content_version()}
    ContentChange.objects.update(noted_at=timezone.now() - 2 * changes.KEPT)
    rename()
    seen.add(content_version())
    call_command("forget_expired")
    assert ContentChange.objects.count() == 1
    seen.add(content_version())
    ContentChange.objects.update(noted_at=timezone.now() - 2 * changes.KEPT)
    call_command("forget_expired")
    assert ContentChange.objects.count() == 1  # the newest stays
    assert len(seen) == 3


# With transactions and threads of their own


@pytest.mark.django_db(transaction=True)
def test_a_write_that_is_rolled_back_changes_nothing(client):
    cast.alpha()
    client.get(PAGE)
    with transaction.atomic():
        rename()
        transaction.set_rollback(True)
    look()
    assert client.get(PAGE).page_cache == "kept"


@pytest.mark.django_db(transaction=True)
def test_a_write_counts_when_it_is_committed(client):
    cast.alpha()
    client.get(PAGE)
    writer = connection.copy()
    try:
        writer.set_autocommit(False)
        with writer.cursor() as cursor:
            cursor.execute("UPDATE tools_tool SET name = 'Alpha Two'")
            look()
            assert client.get(PAGE).page_cache == "kept"
        writer.commit()
        look()
        assert "Alpha Two" in client.get(PAGE).content.decode()
    finally:
        writer.close()


@pytest.mark.django_db(transaction=True)
def test_of_two_transactions_that_commit_in_the_other_order_both_count(client):
    tool, other = cast.alpha(), cast.beta()
    client.get(PAGE)
    first, second = connection.copy(), connection.copy()
    try:
        for writer, row in ((first, tool), (second, other)):
            writer.set_autocommit(False)
            with writer.cursor() as cursor:
                cursor.execute("UPDATE tools_tool SET name = 'New' WHERE id = %s", [row.pk])
        second.commit()
        look()
        assert client.get(PAGE).page_cache == "made"
        first.commit()
        look()
        assert "New" in client.get(PAGE).content.decode()
    finally:
        first.close()
        second.close()


def crowd(size, ask):
    """Let so many readers ask at the same time, each in a thread of its own."""
    start = threading.Barrier(size)

    def read(_):
        start.wait(30)
        try:
            return ask(Client())
        finally:
            connection.close()

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(read, range(size)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("there_before", [True, False])
def test_a_crowd_before_one_expired_or_missing_page_has_it_rendered_once(
    client, renderings, there_before
):
    cast.alpha()
    client.get(PAGE if there_before else "/tools/")  # which looks at the version
    if there_before:
        grow_older(40)
    renderings.clear()
    answers = crowd(20, lambda reader: reader.get(PAGE))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.content for answer in answers}) == 1
    assert renderings == [PAGE]


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_page_that_cannot_be_kept(client):
    cast.alpha()
    began = time.monotonic()
    answers = crowd(8, lambda reader: reader.get("/tools/alpa/"))
    assert {answer.status_code for answer in answers} == {404}
    assert time.monotonic() - began < page_cache.PATIENCE


def test_whoever_waited_in_vain_makes_the_page_alone(client, alpha, monkeypatch):
    monkeypatch.setattr(page_cache, "PATIENCE", 0.05)
    flight, begins = page_cache.flights.join(KEY)
    assert begins
    try:
        assert client.get(PAGE).page_cache == "made"
    finally:
        page_cache.flights.land(KEY, flight, None)


def test_while_a_page_is_being_made_the_others_get_the_old_one(client, alpha):
    client.get(PAGE)
    rename()
    look()
    flight, _ = page_cache.flights.join(KEY)
    try:
        assert client.get(PAGE).page_cache == "old"
    finally:
        page_cache.flights.land(KEY, flight, None)
    assert client.get(PAGE).page_cache == "made"


@pytest.mark.parametrize("age", [40, 3600])
def test_others_wait_for_the_new_page_where_the_old_one_is_too_old(client, alpha, monkeypatch, age):
    monkeypatch.setattr(page_cache, "PATIENCE_WITH_YOUNG", 0.05)
    client.get(PAGE)
    old = grow_older(age)
    flight, _ = page_cache.flights.join(KEY)
    new = replace(old, mark="new")
    threading.Timer(0.3, page_cache.flights.land, (KEY, flight, new)).start()
    assert client.get(PAGE)["ETag"] == '"new"'


def test_an_old_page_stands_in_for_one_that_takes_too_long(client, alpha, monkeypatch):
    monkeypatch.setattr(page_cache, "PATIENCE", 0.05)
    page = client.get(PAGE)
    grow_older(3600)
    flight, _ = page_cache.flights.join(KEY)
    try:
        assert client.get(PAGE).content == page.content
    finally:
        page_cache.flights.land(KEY, flight, None)


def test_whoever_waited_for_a_page_that_is_gone_does_not_get_the_old_one(
    client, alpha, monkeypatch
):
    client.get(PAGE)
    grow_older(40)
    Tool.objects.update(status=Status.WITHDRAWN)
    flight = page_cache.Flight()
    flight.land(None)
    monkeypatch.setattr(page_cache.flights, "join", lambda key: (flight, False))
    assert client.get(PAGE).status_code == 404


def test_whoever_waited_for_a_page_that_failed_gets_the_old_one(client, alpha, monkeypatch):
    page = client.get(PAGE)
    grow_older(3600)
    landed = []
    monkeypatch.setattr(page_cache.Flight, "land", lambda flight, page: landed.append(page))
    monkeypatch.setattr("tools.views.Tool", None)
    client.raise_request_exception = False
    assert client.get(PAGE).page_cache == "old"
    [given] = landed
    assert given.body("identity") == page.content


def test_the_middleware_stands_right_inside_of_what_redirects_to_https(settings):
    outside = settings.MIDDLEWARE.index("django.middleware.security.SecurityMiddleware")
    assert settings.MIDDLEWARE.index("shiporskip.page_cache.PageCache") == outside + 1


def test_what_a_replica_showed_is_no_newer_than_what_it_knew(client, alpha, monkeypatch):
    class Behind:
        def current(self):
            return (1, 1, 1)

    class There:
        def up_to_date(self):
            return ["replica1"]

    monkeypatch.setattr(page_cache, "replicas", {"replica1": Behind()})
    monkeypatch.setattr(page_cache, "servers", There())
    from tools import views

    render = views.render

    def read_there(request, *args, **kwargs):
        request.read_from = "replica1"
        return render(request, *args, **kwargs)

    monkeypatch.setattr(views, "render", read_there)
    assert client.get(PAGE).page_cache == "made"
    assert client.get(PAGE).page_cache == "made"  # not before the replica knows as much
    page_cache.replicas["replica1"].current = page_cache.version.current
    assert client.get(PAGE).page_cache == "made"
    assert client.get(PAGE).page_cache == "kept"
