from datetime import date

import pytest

from reviews.writing import Statement, record_reviews
from tests import cast

pytestmark = pytest.mark.django_db


def test_it_shows_the_panel_the_facts_and_every_argument(site):
    cast.alpha()
    page = site.get("/tools/alpha/")
    assert page.one("h1") == "Alpha"
    assert page.one(".manifest") == "A Panel Save Ship BSFF 100% Panel ship — Community Free Entry"
    assert page.all(".argument-head") == [
        "Builder 84/100 · ship", "Skeptic 78/100 · ship",
        "Futurist 81/100 · ship", "Founder 72/100 · ship",
    ]  # fmt: skip
    assert "The Founder argues about alpha." in page.text


def test_plans_stand_with_their_price_and_the_day_of_the_check(site):
    cast.alpha()
    assert site.get("/tools/alpha/").all(".plans tbody tr") == [
        "Free tier Free Not yet",
        "Pro $20/mo USD 20.00 per month 14 Nov 2026",
    ]


def test_a_price_that_changed_is_drawn_and_listed(site):
    tool = cast.alpha()
    plan = tool.plans.get(label="Pro $20/mo")
    plan.prices.create(amount="25", effective_on=date(2026, 11, 20), checked_on=date(2026, 11, 20))
    page = site.get("/tools/alpha/")
    assert page.tree.cssselect(".price-steps")[0].get("aria-label") == (
        "USD 20.00 per month from 14 Nov 2026, then USD 25.00 per month from 20 Nov 2026"
    )
    assert page.all(".price-list li") == [
        "20 Nov 2026 USD 25.00 per month",
        "14 Nov 2026 USD 20.00 per month",
    ]


def test_a_correction_of_the_same_day_takes_the_place_of_what_it_corrects(site):
    tool = cast.alpha()
    plan = tool.plans.get(label="Pro $20/mo")
    for amount in ("2000", "25"):
        plan.prices.create(amount=amount, effective_on=date(2026, 11, 20))
    assert "2000" not in site.get("/tools/alpha/").html


def test_a_new_wording_alone_is_no_change_of_the_verdict(site):
    tool = cast.alpha()
    record_reviews([Statement(tool.pk, "founder", "ship", 72, "Put differently.")])
    assert site.get("/tools/alpha/").all(".changes li") == []


def test_a_price_of_tomorrow_is_not_the_price_of_today(site):
    tool = cast.alpha()
    plan = tool.plans.get(label="Pro $20/mo")
    plan.prices.create(amount="25", effective_on=date(2999, 1, 1))
    assert "USD 20.00 per month" in site.get("/tools/alpha/").all(".plans tbody tr")[1]


def test_a_verdict_that_changed_shows_how_and_why(site):
    tool = cast.alpha()
    record_reviews(
        [Statement(tool.pk, "founder", "skip", None, "Too dear now.", reason="The price doubled.")]
    )
    page = site.get("/tools/alpha/")
    first, second = page.all(".changes li")
    assert first.startswith("Founder: skip")
    assert first.endswith("The price doubled.")
    assert second.startswith("Founder: 72/100 · ship")


def test_it_leads_to_its_comparisons_and_to_alternatives_not_yet_compared(site):
    alpha, beta, gamma = cast.alpha(), cast.beta(), cast.gamma()
    cast.compare(gamma, alpha)
    elsewhere = cast.make_tool("elsewhere", category=cast.make_category("Other", "other"))
    page = site.get("/tools/alpha/")
    assert page.links(".comparison-row") == ["/compare/gamma-vs-alpha/"]
    assert page.links(".alternative-compare") == ["/compare/alpha-vs-beta/"]
    assert page.links(".alternative-name") == [beta.get_absolute_url()]
    assert elsewhere.name not in page.text


def test_no_link_on_the_page_is_answered_with_a_redirect(client, site):
    alpha, beta = cast.alpha(), cast.beta()
    cast.compare(beta, alpha)
    cast.gamma()
    for address in site.get("/tools/alpha/").links("a[href^='/']"):
        assert client.get(address).status_code == 200, address


def test_a_tool_without_reviews_plans_or_description_says_what_is_missing(site):
    cast.delta()
    page = site.get("/tools/delta/")
    assert "4 of 4 reviews to come" in page.text
    assert "No plan is recorded yet" in page.text
    assert "No description yet." in page.text
    assert page.text.count("No review yet.") == 4


@pytest.mark.parametrize("address", ["/tools/ALPHA/", "/tools/alpha", "/tools/Alpha"])
def test_any_other_spelling_leads_to_the_one_address(client, address):
    cast.alpha()
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (301, "/tools/alpha/")


def test_an_unknown_tool_is_answered_with_the_nearest_names(site):
    cast.make_tool("claude-4-sonnet", name="Claude 4 Sonnet")
    page = site.get("/tools/claud-4-sonet/", status=404)
    assert page.all(".rows a") == ["Claude 4 Sonnet"]


def test_a_name_like_nothing_gets_no_suggestion(site):
    cast.alpha()
    assert site.get("/tools/qqqqqqqqqqqq/", status=404).all(".rows a") == []


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_a_tool_that_is_not_published_has_no_page(site, status):
    cast.make_tool("hidden", status=status)
    site.get("/tools/hidden/", status=404)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_a_page_can_only_be_read(client, method):
    cast.alpha()
    assert getattr(client, method)("/tools/alpha/").status_code == 405


def test_the_number_of_queries_does_not_grow_with_the_neighbours(
    site, django_assert_max_num_queries
):
    alpha = cast.alpha()
    for number in range(20):
        cast.compare(alpha, cast.make_tool(f"tool-{number}"))
        cast.add_plan(cast.make_tool(f"other-{number}"), "Free")
    with django_assert_max_num_queries(8):
        site.get("/tools/alpha/")
