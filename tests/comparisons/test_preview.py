"""Tools and comparisons shown before their time, to whoever has the link."""

from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from comparisons.models import Comparison
from reviews.personas import Persona
from reviews.writing import Statement, record_reviews
from tests import cast
from tests.conftest import Page
from tools.models import Tool
from tools.previews import PREVIEW_AGE, sign
from tools.publishing import move
from tools.status import Status

pytestmark = pytest.mark.django_db


def draft(slug, verdicts=("ship", "ship", "ship", "skip"), status=Status.DRAFT):
    """Make a tool with four reviews and a plan, none of them public."""
    tool = cast.make_tool(slug, status="draft")
    record_reviews(
        Statement(tool.pk, persona, verdict, 60, f"The {persona} on {slug}.", status=status)
        for persona, verdict in zip(Persona.values, verdicts, strict=True)
    )
    cast.add_plan(tool, "Pro", "subscription", "20")
    return tool


def address_of(row):
    room = "tools" if isinstance(row, Tool) else "compare"
    return f"/preview/{room}/{sign(row)}/"


def link_on(client, row):
    """Return the link that stands on the form of the desk."""
    page = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
    return Page(client.get(page)).tree.cssselect("#preview-link")[0].get("value")


def body_of(page):
    """Return what a reader sees of a page, without what only one of the two has."""
    apart = ".preview-bar, section[aria-labelledby=ballot], section.duel, details.share, .sign-up"
    for part in page.tree.cssselect(apart):
        part.drop_tree()
    return page.tree.cssselect("body")[0].text_content()


def test_a_tool_looks_as_it_will_once_it_is_published(site):
    tool = draft("anvil")
    cast.alpha()
    shown = site.get(address_of(tool))
    site.get("/tools/anvil/", status=404)
    for review in tool.reviews.all():
        record_reviews(
            [Statement(tool.pk, review.persona, review.verdict, review.score, review.body,
                       status=Status.PUBLISHED)]
        )  # fmt: skip
    move(tool, Status.PUBLISHED)
    assert body_of(shown).split() == body_of(site.get("/tools/anvil/")).split()
    assert "The builder on anvil." in shown.text


def test_a_comparison_looks_as_it_will_once_it_is_published(site):
    tools = draft("anvil"), draft("bellows")
    pair = cast.compare(tools[1], tools[0], summary="Hot against heavy.", status="draft")
    shown = site.get(address_of(pair))
    assert shown.one("h1") == "Bellows vs Anvil"
    assert "Hot against heavy." in shown.text
    for tool in tools:
        for review in tool.reviews.all():
            record_reviews(
                [Statement(tool.pk, review.persona, review.verdict, review.score, review.body,
                           status=Status.PUBLISHED)]
            )  # fmt: skip
    for row in (*tools, pair):
        move(row, Status.PUBLISHED)
    assert body_of(shown).split() == body_of(site.get("/compare/bellows-vs-anvil/")).split()


def test_it_says_that_it_is_a_preview_and_until_when_the_link_holds(site):
    until = timezone.now() + PREVIEW_AGE
    for row in (draft("anvil"), cast.compare(cast.alpha(), cast.beta(), status="draft")):
        bar = site.get(address_of(row)).one(".preview-bar")
        assert bar.startswith("Preview.")
        assert f"{until.day} {until:%b %Y}" in bar


def test_nobody_lists_keeps_or_passes_on_a_preview(site):
    for row in (draft("anvil"), cast.compare(cast.alpha(), cast.beta(), status="draft")):
        page = site.get(address_of(row))
        headers = page.answer.headers
        assert headers["Cache-Control"] == "no-store, private"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert [tag.get("content") for tag in page.tree.cssselect("meta[name=robots]")] == [
            "noindex, nofollow"
        ]
        for leak in ("link[rel=canonical]", "link[rel=alternate]", "script[type*=json]",
                     "meta[property^=og]"):  # fmt: skip
            assert not page.tree.cssselect(leak), leak
        assert not page.answer.cookies


def test_nothing_on_a_preview_leads_to_what_is_not_public_yet(site):
    tool = draft("anvil")
    for row in (tool, cast.compare(tool, draft("bellows"), status="draft")):
        page = site.get(address_of(row))
        for part in ("form[method=post]", "[data-ballot]", ".share", "script[src*=ballots]"):
            assert not page.tree.cssselect(part), part
        addresses = [*page.links("a"), *page.links("link")]
        ours = [to for to in addresses if "anvil" in to and not to.startswith("/compare/?with=")]
        assert not [to for to in ours if to.endswith((".json", ".md")) or "/feeds/" in to]


def test_no_public_page_is_told_of_previews(client, site):
    draft("anvil")
    assert "preview" not in client.get("/robots.txt").content.decode()
    assert "preview" not in client.get("/sitemap-pages.xml").content.decode()
    page = site.get("/tools/")
    assert not page.all(".preview-bar")


@pytest.mark.parametrize("age", [PREVIEW_AGE + timedelta(seconds=5), timedelta(days=400)])
def test_a_link_expires(site, monkeypatch, age):
    tool = draft("anvil")
    now = timezone.now().timestamp()
    monkeypatch.setattr(signing.time, "time", lambda: now - age.total_seconds())
    address = address_of(tool)
    monkeypatch.undo()
    page = site.get(address, status=404)
    assert "This preview link has expired" in page.text
    assert "anvil" not in page.text


def test_a_link_holds_until_its_last_minute(site, monkeypatch):
    tool = draft("anvil")
    before = timezone.now() - PREVIEW_AGE + timedelta(minutes=1)
    monkeypatch.setattr(signing.time, "time", before.timestamp)
    address = address_of(tool)
    monkeypatch.undo()
    site.get(address)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token[:10],
        lambda token: token.split(":")[0],
        lambda token: f"2{token}",
        lambda token: token.replace(":", "%3A:", 1),
        lambda token: "ümlaut" + token,
        lambda token: ":::",
        lambda token: signing.TimestampSigner(salt="another").sign("1"),
    ],
)
def test_a_link_that_was_cut_off_or_forged_shows_a_page_that_says_so(site, spoil):
    for row in (draft("anvil"), cast.compare(cast.alpha(), cast.beta(), status="draft")):
        address = address_of(row).replace(sign(row), spoil(sign(row)))
        page = site.get(address, status=404)
        assert "This preview link has expired" in page.text
        assert page.answer["Cache-Control"] == "no-store, private"


def test_a_link_opens_what_it_was_made_for_and_nothing_else(site):
    anvil, bellows = draft("anvil"), draft("bellows")
    pair = cast.compare(anvil, bellows, status="draft")
    stamp = sign(anvil).split(":", 1)[1]
    site.get(f"/preview/tools/{bellows.pk}:{stamp}/", status=404)
    site.get(f"/preview/compare/{sign(Tool(pk=pair.pk))}/", status=404)
    site.get(f"/preview/tools/{sign(Comparison(pk=anvil.pk))}/", status=404)


def test_withdrawn_reviews_are_left_out(site):
    tool = draft("anvil", status=Status.PUBLISHED)
    record_reviews([Statement(tool.pk, "founder", "skip", 60, "x", status=Status.WITHDRAWN)])
    pair = cast.compare(tool, cast.alpha(), status="draft")
    assert "1 of 4 reviews to come" in site.get(address_of(tool)).text
    assert "The Founder has not reviewed this tool yet." in site.get(address_of(pair)).text


def test_what_was_withdrawn_is_shown_to_nobody(admin_client, site):
    tool, pair = cast.alpha(), cast.compare(cast.beta(), cast.gamma())
    lonely = cast.compare(tool, cast.delta())
    addresses = [address_of(row) for row in (tool, pair, lonely)]
    move(tool, Status.WITHDRAWN)
    move(pair, Status.WITHDRAWN)
    for address in addresses:
        site.get(address, status=404)
    form = admin_client.get(f"/admin/tools/tool/{tool.pk}/change/")
    assert not Page(form).tree.cssselect("#preview-link")


def test_what_was_deleted_is_shown_to_nobody(site):
    tool = draft("anvil")
    address = address_of(tool)
    tool.delete()
    site.get(address, status=404)


def test_a_preview_gives_nothing_else_away(site):
    tool, secret = draft("anvil"), draft("secret")
    cast.compare(tool, secret, status="draft")
    cast.compare(tool, cast.alpha(), summary="An unpublished text.", status="draft")
    beta = cast.beta()
    shown = cast.compare(tool, beta, status="draft")
    later = timezone.now() + timedelta(days=1)
    cast.compare(beta, cast.gamma(), status="scheduled", published_at=later)
    for row in (tool, shown):
        page = site.get(address_of(row))
        assert "secret" not in page.html.lower()
        assert "unpublished text" not in page.html
        assert "Gamma vs" not in page.text
        assert not page.all(".comparison-row")


def test_public_comparisons_stand_on_a_preview_but_not_the_pair_itself(site):
    alpha, beta = cast.alpha(), cast.beta()
    pair = cast.compare(alpha, beta)
    cast.compare(alpha, cast.gamma())
    assert site.get(address_of(pair)).links(".comparison-row") == ["/compare/alpha-vs-gamma/"]


def test_the_rows_that_differ_are_shown_within_the_preview(site):
    pair = cast.compare(draft("anvil"), cast.alpha(), status="draft")
    address = address_of(pair)
    (link,) = [link for link in site.get(address).links(".decision-actions a") if "rows=" in link]
    assert link == f"{address}?rows=different#decision"
    rows = site.get(link.removesuffix("#decision")).all(".decision tbody th")
    assert all("differs" in row for row in rows)


def test_a_preview_costs_what_the_page_costs(site, django_assert_num_queries):
    pair = cast.compare(draft("anvil"), draft("bellows"), status="draft")
    with django_assert_num_queries(3):  # the comparison itself, and the two of any line-up
        site.get(address_of(pair))


def test_the_desk_has_a_link_that_anybody_can_open(admin_client, client, site, settings):
    tool = draft("anvil")
    pair = cast.compare(tool, cast.alpha(), status="draft")
    for row, heading in (
        (tool, "Anvil"),
        (pair, "Anvil vs Alpha"),
        (tool.reviews.all()[0], "Anvil"),
    ):
        link = link_on(admin_client, row)
        assert link.startswith(f"{settings.SITE_URL}/preview/")
        client.logout()
        assert site.get(link.removeprefix(settings.SITE_URL)).one("h1") == heading


def test_making_a_link_saves_nothing(admin_client):
    tool = draft("anvil")
    before = Tool.objects.get().updated_at
    link_on(admin_client, tool)
    assert Tool.objects.get().updated_at == before


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_a_preview_can_only_be_read(client, method):
    assert getattr(client, method)(address_of(draft("anvil"))).status_code == 405


def test_a_tool_of_which_nothing_is_known_has_a_preview(site):
    skipped = cast.make_tool("skipped")
    cast.review(skipped, "skip skip skip skip")
    tool = cast.make_tool("anvil", status="draft", tagline="", description="")
    assert "4 of 4 reviews to come" in site.get(address_of(tool)).text
