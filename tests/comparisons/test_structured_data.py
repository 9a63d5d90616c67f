"""JSON-LD, against what Google requires of each type."""

import json

import pytest

from reviews.writing import Statement, record_reviews
from tests import cast

pytestmark = pytest.mark.django_db


def data_of(page):
    scripts = page.tree.cssselect('script[type="application/ld+json"]')
    found = [json.loads(script.text) for script in scripts]
    assert all(data["@context"] == "https://schema.org" for data in found)
    return {data["@type"]: data for data in found}


@pytest.fixture
def catalog(db):
    cast.compare(cast.alpha(), cast.beta())


@pytest.mark.parametrize(
    "address",
    ["/tools/alpha/", "/categories/developer-tools/", "/personas/builder/",
     "/compare/alpha-vs-beta/"],
)  # fmt: skip
def test_the_breadcrumb_is_the_one_that_readers_see(site, catalog, settings, address):
    page = site.get(address)
    steps = data_of(page)["BreadcrumbList"]["itemListElement"]
    assert [step["name"] for step in steps] == page.all(".breadcrumb li")
    assert [step["position"] for step in steps] == list(range(1, len(steps) + 1))
    way = [*page.links(".breadcrumb a"), address]
    assert [step["item"] for step in steps] == [settings.SITE_URL + step for step in way]


def test_a_tool_has_its_known_prices_and_one_review_which_is_ours(site, catalog, settings):
    tool = data_of(site.get("/tools/alpha/"))["SoftwareApplication"]
    assert tool["name"] == "Alpha"
    assert tool["offers"] == [
        {"@type": "Offer", "name": "Free tier", "price": "0"},
        {
            "@type": "Offer",
            "name": "Pro $20/mo",
            "description": "USD 20.00 per month",
            "price": "20.00",
            "priceCurrency": "USD",
        },
    ]
    review = tool["review"]
    assert review["author"] == {
        "@type": "Organization",
        "name": "Ship or Skip",
        "url": settings.SITE_URL,
    }
    assert review["reviewBody"] == "Ship. Panel: 4 ship, 0 skip."
    assert review["reviewRating"] == {
        "@type": "Rating",
        "ratingValue": 78.75,
        "worstRating": 0,
        "bestRating": 100,
    }
    assert "AggregateRating" not in json.dumps(tool)


def test_without_a_known_price_or_all_four_scores_nothing_is_claimed(site, catalog):
    assert "SoftwareApplication" not in data_of(site.get("/tools/beta/"))  # no price is known
    alpha = cast.make_tool("unscored")
    cast.review(alpha, "ship ship ship ship", (84, 78, 81, None))
    cast.add_plan(alpha, "Free")
    assert "SoftwareApplication" not in data_of(site.get("/tools/unscored/"))


@pytest.mark.parametrize("address", ["/tools/", "/categories/developer-tools/", "/compare/"])
def test_a_list_names_its_rows_in_order(site, catalog, settings, address):
    page = site.get(address)
    rows = data_of(page)["ItemList"]["itemListElement"]
    shown = page.links(".tool-card-name a, .comparison-row")
    assert [row["url"] for row in rows] == [settings.SITE_URL + link for link in shown]
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("address", ["/tools/", "/compare/"])
def test_an_empty_list_is_no_list(site, address):
    assert data_of(site.get(address)) == {}


@pytest.mark.parametrize(
    "address", ["/", "/tools/", "/categories/developer-tools/", "/compare/alpha-vs-beta/"]
)
def test_no_other_page_rates_anything(site, catalog, address):
    assert "rating" not in json.dumps(data_of(site.get(address))).lower()


def test_a_hostile_name_does_not_end_the_script(site):
    name = "</script><script>alert(1)</script>"
    tool = cast.make_tool("odd", name=name)
    cast.compare(tool, cast.alpha())
    for address in ("/tools/odd/", "/compare/odd-vs-alpha/", "/tools/"):
        page = site.get(address)
        assert "<script>alert" not in page.html
        assert name in json.dumps(data_of(page))


def test_a_review_that_changed_changes_the_rating(site, catalog):
    from tools.models import Tool

    alpha = Tool.objects.get(slug="alpha")
    record_reviews([Statement(alpha.pk, "founder", "skip", 0, "No.")])
    review = data_of(site.get("/tools/alpha/"))["SoftwareApplication"]["review"]
    assert review["reviewRating"]["ratingValue"] == 60.75
    assert review["reviewBody"].startswith("Ship. Panel: 3 ship, 1 skip, the Founder skips")
