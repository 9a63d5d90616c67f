"""The Atom feeds, read as a feed reader reads them."""

from datetime import UTC, date, datetime, timedelta

import feedparser
import pytest
from django.utils import timezone
from lxml import etree

from reviews.writing import Statement, record_reviews
from tests import cast

pytestmark = pytest.mark.django_db

FEEDS = [
    "/feeds/verdicts/",
    "/feeds/comparisons/",
    "/feeds/prices/",
    "/feeds/categories/developer-tools/",
    "/feeds/tools/alpha/",
]


@pytest.fixture
def catalog(db):
    alpha, beta = cast.alpha(), cast.beta()
    for tool in (alpha, beta):
        cast.check_price(tool)
    cast.compare(alpha, beta)
    record_reviews([Statement(alpha.pk, "founder", "skip", 20, "No.", reason="It became <dear>.")])
    alpha.plans.get(label="Pro $20/mo").prices.create(amount="25", effective_on=date(2026, 11, 20))
    return alpha


def read(client, address, **headers):
    answer = client.get(address, **headers)
    assert answer.status_code == 200, address
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = feedparser.parse(answer.content)
    assert not feed.bozo, feed.get("bozo_exception")
    assert feed.version == "atom10"
    return feed


@pytest.mark.parametrize("address", FEEDS)
def test_a_feed_and_each_entry_have_what_atom_asks_for(client, catalog, settings, address):
    feed = read(client, address)
    links = {link.rel: link.href for link in feed.feed.links}
    assert links["self"] == settings.SITE_URL + address
    assert links["alternate"].startswith(settings.SITE_URL)
    assert feed.feed.author == "Ship or Skip"
    assert feed.feed.title.endswith(" · Ship or Skip")
    assert feed.entries
    assert len({entry.id for entry in feed.entries}) == len(feed.entries)
    for entry in feed.entries:
        assert entry.id.startswith("tag:127.0.0.1,2026:")
        assert entry.link.startswith(settings.SITE_URL)
        for moment in (entry.published, entry.updated):
            assert datetime.fromisoformat(moment) <= datetime.now(UTC)
        assert client.get(entry.link.removeprefix(settings.SITE_URL)).status_code == 200


def test_new_and_changed_verdicts_are_news(client, catalog):
    entries = read(client, "/feeds/verdicts/").entries
    titles = [entry.title for entry in entries]
    assert set(titles) == {"Alpha: Ship", "Beta: Ship", "Founder on Alpha: ship → skip"}
    (turned,) = [entry for entry in entries if entry.title.startswith("Founder")]
    assert turned.summary == "<p>It became &lt;dear&gt;.</p>"


def test_an_entry_keeps_its_name_when_its_verdict_changes(client, catalog):
    def entry():
        entries = read(client, "/feeds/tools/alpha/").entries
        (found,) = [entry for entry in entries if entry.title.startswith("Alpha: ")]
        return found

    before = entry()
    record_reviews([Statement(catalog.pk, "builder", "skip", None, "No.", reason="Broken.")])
    after = entry()
    assert (before.title, after.title) == ("Alpha: Ship", "Alpha: Split")
    assert before.id == after.id
    assert before.published == after.published
    assert before.updated < after.updated


def test_a_price_and_its_change_are_news_from_the_day_it_holds(client, catalog):
    catalog.plans.get(label="Pro $20/mo").prices.create(
        amount="30", effective_on=timezone.localdate() + timedelta(days=5)
    )
    entries = read(client, "/feeds/prices/").entries
    assert [entry.title for entry in entries if "Pro" in entry.title] == [
        "Alpha, Pro $20/mo: USD 20.00 → USD 25.00 per month",
        "Alpha, Pro $20/mo: USD 20.00 per month",
    ]
    assert entries[0].updated == "2026-11-20T00:00:00+00:00"


def test_only_comparisons_that_lack_nothing_are_news(client, catalog):
    cast.compare(catalog, cast.gamma())
    assert [e.title for e in read(client, "/feeds/comparisons/").entries] == ["Alpha vs Beta"]


def test_a_category_tells_of_its_own_tools_only(client, catalog):
    other = cast.make_tool("other", category=cast.make_category("Other", "other"))
    cast.review(other, "ship ship ship ship")
    assert [e.title for e in read(client, "/feeds/categories/other/").entries] == ["Other: Ship"]


def test_drafts_are_no_news(client):
    draft = cast.make_tool("draft", status="draft")
    cast.review(draft, "ship ship ship ship")
    waiting = cast.make_tool("waiting", published_at=timezone.now() + timedelta(hours=1))
    cast.review(waiting, "ship ship ship ship")
    assert read(client, "/feeds/verdicts/").entries == []


@pytest.mark.parametrize("slug", ["nope", "draft", "%00", "a%2Fb", "x" * 3000, "' OR 1=1"])
@pytest.mark.parametrize("kind", ["tools", "categories"])
def test_a_feed_of_nothing_is_a_404(client, kind, slug):
    cast.make_tool("draft", status="draft")
    assert client.get(f"/feeds/{kind}/{slug}/").status_code == 404


@pytest.mark.parametrize("address", FEEDS)
def test_a_feed_can_only_be_read(client, catalog, address):
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 200


def test_what_xml_cannot_hold_does_not_break_a_feed(client):
    tool = cast.make_tool("odd", name="Odd\x01\x0b\uffff <b> & “tool”", tagline="a\x02b")
    cast.review(tool, "ship ship ship ship")
    cast.add_plan(tool, "P\x01", "subscription", "5").prices.create(amount=6)
    for address in ("/feeds/verdicts/", "/feeds/tools/odd/", "/feeds/prices/"):
        answer = client.get(address)
        etree.fromstring(answer.content)
        assert "Odd <b> & “tool”" in feedparser.parse(answer.content).entries[0].title.replace(
            "&lt;", "<"
        ).replace("&amp;", "&").replace("&gt;", ">")


def test_the_host_that_was_asked_changes_nothing(client, catalog):
    for address in FEEDS:
        plain = client.get(address).content
        assert client.get(address, headers={"host": "localhost:9999"}).content == plain


@pytest.mark.parametrize(
    ("page", "feeds"),
    [
        ("/", ["/feeds/verdicts/", "/feeds/comparisons/", "/feeds/prices/", "/feeds/digest/"]),
        ("/tools/", ["/feeds/verdicts/", "/feeds/prices/"]),
        ("/compare/", ["/feeds/comparisons/"]),
        ("/categories/developer-tools/", ["/feeds/categories/developer-tools/"]),
        ("/tools/alpha/", ["/feeds/tools/alpha/"]),
    ],
)
def test_pages_name_their_feeds(site, catalog, page, feeds):
    assert site.get(page).links('link[type="application/atom+xml"]') == feeds


def test_the_number_of_queries_does_not_grow(client, catalog, django_assert_max_num_queries):
    for number in range(10):
        other = cast.make_tool(f"tool-{number}")
        cast.review(other, "ship ship ship ship")
        record_reviews([Statement(other.pk, "builder", "skip", None, "No.")])
        cast.add_plan(other, "Plan", "subscription", "5").prices.create(amount=6)
        cast.check_price(other)
        cast.compare(catalog, other)
    for address in FEEDS:
        with django_assert_max_num_queries(4):
            read(client, address)
