"""Where the editions are listed for machines: the feed, the sitemap and llms.txt."""

from datetime import UTC, datetime

import feedparser
import pytest
from django.conf import settings
from lxml import etree

from tests.digest.cast import edition

pytestmark = pytest.mark.django_db


def read(client):
    answer = client.get("/feeds/digest/")
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = feedparser.parse(answer.content)
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


def test_the_feed_holds_what_went_out_the_newest_first(client):
    for week, day in (("2026-W46", 12), ("2026-W47", 19)):
        edition(
            week, subject=f"Of {week}", html=f'<p class="line">{week} &amp; ✓</p>',
            started_at=datetime(2026, 11, day, 8, tzinfo=UTC),
        )  # fmt: skip
    for week, status in (
        ("2026-W45", "cancelled"),
        ("2026-W48", "approved"),
        ("2026-W49", "draft"),
    ):
        edition(week, status)
    feed = read(client)
    assert feed.feed.title == "The weekly digest · Ship or Skip"
    assert [entry.title for entry in feed.entries] == ["Of 2026-W47", "Of 2026-W46"]
    newest = feed.entries[0]
    assert newest.link == f"{settings.SITE_URL}/digest/2026-w47/"
    assert newest.id == "tag:127.0.0.1,2026:edition/2026-W47"
    assert newest.updated == "2026-11-19T08:00:00+00:00"


def test_an_entry_is_the_frozen_html(client):
    html = '<p class="line" style="margin: 0;">A &amp; <b>b</b> ✓</p>'
    edition("2026-W47", html=html)
    tree = etree.fromstring(client.get("/feeds/digest/").content)
    (summary,) = tree.iter("{http://www.w3.org/2005/Atom}summary")
    assert (summary.text, summary.get("type")) == (html, "html")


def test_a_feed_without_editions_is_a_feed(client):
    assert read(client).entries == []


def test_pages_name_the_feed(site):
    for page in ("/", "/digest/"):
        assert "/feeds/digest/" in site.get(page).links('link[type="application/atom+xml"]')


def test_the_number_of_queries_does_not_grow(client, django_assert_max_num_queries):
    for number in range(1, 10):
        edition(f"2026-W{number:02}")
    with django_assert_max_num_queries(2):
        read(client)


def test_the_sitemap_lists_what_went_out_with_its_day(client):
    assert b"sitemap-editions" not in client.get("/sitemap.xml").content
    edition("2026-W47", started_at=datetime(2026, 11, 19, 8, tzinfo=UTC))
    edition("2026-W48", "approved")
    assert b"/sitemap-editions.xml</loc><lastmod>2026-11-19" in client.get("/sitemap.xml").content
    listed = client.get("/sitemap-editions.xml").content.decode()
    assert f"<loc>{settings.SITE_URL}/digest/2026-w47/</loc><lastmod>2026-11-19" in listed
    assert "2026-w48" not in listed


def test_llms_txt_names_the_archive_and_its_feed(client):
    text = client.get("/llms.txt").content.decode()
    assert f"[The weekly digest]({settings.SITE_URL}/digest/)" in text
    assert f"({settings.SITE_URL}/feeds/digest/)" in text
