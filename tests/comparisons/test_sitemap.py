"""The sitemap, robots.txt and llms.txt."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from lxml import etree

from comparisons.sitemaps import Part
from tests import cast

pytestmark = pytest.mark.django_db

SITE = settings.SITE_URL
NAMESPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def ready_pair():
    pair = cast.alpha(), cast.beta()
    for tool in pair:
        cast.check_price(tool)
    return pair


def listed(client, address, **headers):
    answer = client.get(address, **headers)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/xml"
    tree = etree.fromstring(answer.content)
    return {
        row.findtext("s:loc", namespaces=NAMESPACE): row.findtext("s:lastmod", namespaces=NAMESPACE)
        for row in tree
    }


def test_it_names_its_parts_and_leaves_empty_ones_out(client):
    assert list(listed(client, "/sitemap.xml")) == [f"{SITE}/sitemap-pages.xml"]
    cast.compare(*ready_pair())
    assert list(listed(client, "/sitemap.xml")) == [
        f"{SITE}/sitemap-{part}.xml" for part in ("pages", "categories", "tools", "comparisons")
    ]


def test_only_what_is_worth_reading_is_listed(client):
    alpha, beta = ready_pair()
    cast.compare(beta, alpha)
    cast.compare(alpha, cast.gamma())
    cast.make_tool("hidden", status="draft")
    cast.make_category("Empty", "empty")
    assert list(listed(client, "/sitemap-comparisons.xml")) == [f"{SITE}/compare/beta-vs-alpha/"]
    assert list(listed(client, "/sitemap-tools.xml")) == [
        f"{SITE}/tools/{slug}/" for slug in ("alpha", "beta", "gamma")
    ]
    assert list(listed(client, "/sitemap-categories.xml")) == [
        f"{SITE}/categories/developer-tools/"
    ]
    assert f"{SITE}/personas/builder/" in listed(client, "/sitemap-pages.xml")


def test_every_listed_page_answers_and_may_be_indexed(client, site):
    cast.compare(*ready_pair())
    for part in listed(client, "/sitemap.xml"):
        for address in listed(client, part.removeprefix(SITE)):
            assert "noindex" not in site.get(address.removeprefix(SITE)).html


def test_a_page_says_when_it_last_changed_and_never_a_day_to_come(client):
    alpha, beta = ready_pair()
    comparison = cast.compare(alpha, beta)
    long_ago = timezone.now() - timedelta(days=300)
    for row in (alpha, beta, comparison):
        type(row).objects.filter(pk=row.pk).update(updated_at=long_ago, published_at=long_ago)
    alpha.plans.last().prices.create(amount=99, effective_on=timezone.localdate() + timedelta(9))
    today = timezone.localdate().isoformat()
    assert set(listed(client, "/sitemap-tools.xml").values()) == {today}  # reviewed today
    assert set(listed(client, "/sitemap-comparisons.xml").values()) == {today}
    assert listed(client, "/sitemap-pages.xml")[f"{SITE}/"] is None


def test_it_is_split_into_pages(client, monkeypatch):
    for number in range(5):
        cast.make_tool(f"tool-{number}")
    monkeypatch.setattr(Part, "limit", 2)
    pages = [address for address in listed(client, "/sitemap.xml") if "sitemap-tools" in address]
    assert [address.partition(".xml")[2] for address in pages] == ["", "?p=2", "?p=3"]
    assert len(listed(client, "/sitemap-tools.xml?p=3")) == 1


def test_a_page_holds_fewer_addresses_than_the_protocol_allows():
    assert Part.limit < 50_000


def test_no_query_is_made_per_row(client, django_assert_max_num_queries):
    alpha, beta = ready_pair()
    cast.compare(alpha, beta)
    for number in range(10):
        other = cast.make_tool(f"tool-{number}")
        cast.review(other, "ship ship ship ship")
        cast.check_price(other)
        cast.compare(alpha, other)
    for part in ("tools", "comparisons", "categories"):
        with django_assert_max_num_queries(3):
            listed(client, f"/sitemap-{part}.xml")
    with django_assert_max_num_queries(10):
        listed(client, "/sitemap.xml")


def test_the_host_that_was_asked_changes_nothing(client):
    here = {"headers": {"host": "localhost:9999"}}
    assert f"{SITE}/sitemap-pages.xml" in listed(client, "/sitemap.xml", **here)
    assert f"{SITE}/" in listed(client, "/sitemap-pages.xml", **here)


@pytest.mark.parametrize(
    "address",
    ["/sitemap-nope.xml", "/sitemap-tools.xml?p=0", "/sitemap-tools.xml?p=99",
     "/sitemap-tools.xml?p=abc", "/sitemap-%00.xml"],
)  # fmt: skip
def test_a_part_or_page_that_does_not_exist_is_a_404(client, address):
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("address", ["/sitemap.xml", "/sitemap-pages.xml", "/llms.txt"])
def test_they_can_only_be_read(client, address):
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 200


def test_robots_are_told_where_the_sitemap_is(client):
    assert f"\nSitemap: {SITE}/sitemap.xml\n" in client.get("/robots.txt").content.decode()


def test_language_models_are_told_what_this_is_and_where_the_plain_texts_are(client):
    cast.compare(*ready_pair())
    cast.make_tool("odd", name="Odd](x) [tool")
    answer = client.get("/llms.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert lines[0] == "# Ship or Skip"
    assert lines[2].startswith("> ")
    assert "## Optional" in lines
    links = [line.rpartition("](")[2].partition(")")[0] for line in lines if line.startswith("- [")]
    assert any(link.endswith("/compare/alpha-vs-beta.md") for link in links)
    for link in links:
        assert client.get(link.removeprefix(SITE)).status_code == 200


# What https://www.sitemaps.org/protocol.html allows of what we use, as RELAX NG.
SCHEMA = """
<element name="{root}" ns="http://www.sitemaps.org/schemas/sitemap/0.9"
    xmlns="http://relaxng.org/ns/structure/1.0"
    datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <oneOrMore>
    <element name="{row}">
      <element name="loc"><data type="anyURI"><param name="maxLength">2047</param></data></element>
      <optional>
        <element name="lastmod">
          <choice><data type="date"/><data type="dateTime"/></choice>
        </element>
      </optional>
    </element>
  </oneOrMore>
</element>
"""


def test_the_sitemaps_keep_to_the_protocols_schema(client):
    cast.compare(*ready_pair())

    def check(address, root, row):
        schema = etree.RelaxNG(etree.fromstring(SCHEMA.format(root=root, row=row)))
        schema.assertValid(etree.fromstring(client.get(address).content))

    check("/sitemap.xml", "sitemapindex", "sitemap")
    for part in ("pages", "categories", "tools", "comparisons"):
        check(f"/sitemap-{part}.xml", "urlset", "url")
