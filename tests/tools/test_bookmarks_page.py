import pytest

from tests import cast

pytestmark = pytest.mark.django_db


def test_the_page_is_the_same_for_everybody_and_explains_itself_without_javascript(site):
    page = site.get("/bookmarks/")
    assert page.one("h1") == "Saved tools"
    assert page.one("noscript h2") == "Saving needs JavaScript"


def test_the_cards_of_saved_tools_come_in_the_order_asked(site):
    cast.alpha(), cast.beta()
    page = site.client.get("/bookmarks/cards/?tool=beta&tool=alpha&tool=beta")
    assert page.content.index(b"Beta") < page.content.index(b"Alpha")
    assert page.content.count(b'class="tool-card"') == 2


@pytest.mark.parametrize("query", ["", "tool=gone", "tool=%00", "tool=" + "x" * 5000, "tool=%ff"])
def test_what_is_not_there_is_left_out(client, query):
    cast.alpha()
    answer = client.get(f"/bookmarks/cards/?{query}")
    assert answer.status_code == 200
    assert b"tool-card" not in answer.content


def test_a_list_of_thousands_is_cut_and_costs_no_more_queries(
    client, django_assert_max_num_queries
):
    cast.alpha()
    query = "&".join(f"tool=t{number}" for number in range(900))
    with django_assert_max_num_queries(2):
        assert client.get(f"/bookmarks/cards/?{query}").status_code == 200


def test_every_card_of_the_site_can_be_saved(site):
    alpha, beta = cast.alpha(), cast.beta()
    cast.compare(alpha, beta)
    for address in ("/", "/tools/", "/tools/alpha/", "/compare/alpha-vs-beta/"):
        saved = {
            button.get("data-save") for button in site.get(address).tree.cssselect("button.save")
        }
        assert "alpha" in saved, address
