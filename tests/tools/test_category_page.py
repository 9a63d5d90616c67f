import pytest

from tests import cast

pytestmark = pytest.mark.django_db


def test_it_ranks_its_tools_and_says_how(site):
    for tool in (cast.delta, cast.gamma, cast.beta, cast.alpha):
        tool()
    page = site.get("/categories/developer-tools/")
    assert page.all(".tool-card-name") == ["Alpha", "Beta", "Gamma", "Delta"]
    assert "Ranked by how many of the four personas ship a tool" in page.text


def test_equal_panels_are_ranked_by_the_mean_score_and_then_by_name(site):
    for slug, scores in (
        ("low", (50,) * 4),
        ("high", (90,) * 4),
        ("b-none", (None,) * 4),
        ("a-none", (99, 99, 99, None)),
    ):
        cast.review(cast.make_tool(slug), "ship ship ship ship", scores)
    assert site.get("/categories/developer-tools/").all(".tool-card-name") == [
        "High", "Low", "A None", "B None",
    ]  # fmt: skip


def test_other_categories_stay_out(site):
    cast.alpha()
    cast.make_tool("elsewhere", category=cast.make_category("Other", "other"))
    assert site.get("/categories/other/").all(".tool-card-name") == ["Elsewhere"]


def test_an_empty_category_says_so(site):
    cast.make_category()
    assert (
        site.get("/categories/developer-tools/").one(".empty-box h2")
        == "Nothing in this category yet"
    )


def test_upper_case_and_a_missing_slash_lead_to_the_one_address(client):
    cast.make_category()
    assert client.get("/categories/Developer-Tools")["Location"] == "/categories/developer-tools/"


def test_the_number_of_queries_does_not_grow(site, django_assert_max_num_queries):
    for number in range(20):
        cast.add_plan(cast.make_tool(f"tool-{number}"), "Free")
    with django_assert_max_num_queries(5):
        site.get("/categories/developer-tools/")
