from urllib.parse import urlencode

import pytest

from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def tools(db):
    return cast.alpha(), cast.beta(), cast.gamma()


def sent(*texts):
    """The address that the picker's form asks for."""
    return "/compare/?" + urlencode([("tool", text) for text in texts])


def texts(page):
    return [field.get("value") for field in page.tree.cssselect(".picker input")]


def errors(page):
    """What is wrong, by the number of the field, as a screen reader finds it."""
    found = {}
    for number, field in enumerate(page.tree.cssselect(".picker input")):
        if field.get("aria-invalid"):
            found[number] = page.one(f"#{field.get('aria-describedby')}")
    assert len(found) == len(page.all(".field-error"))
    return found


def test_it_has_four_empty_fields_with_a_label_each(site):
    page = site.get("/compare/")
    assert texts(page) == ["", "", "", ""]
    assert len(page.all(".picker label")) == 4
    assert errors(page) == {}


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        (["alpha", "beta"], "/compare/alpha-vs-beta/"),
        (["Beta", "ALPHA"], "/compare/alpha-vs-beta/"),
        (["  alpha ", "", "", "Gamma"], "/compare/alpha-vs-gamma/"),
        (["gamma", "beta", "alpha"], "/compare/alpha-vs-beta-vs-gamma/"),
    ],
)
def test_names_and_slugs_lead_to_the_comparison(client, tools, asked, address):
    answer = client.get(sent(*asked))
    assert (answer.status_code, answer["Location"]) == (302, address)
    assert client.get(address).status_code == 200


def test_it_leads_straight_to_the_order_that_an_editor_chose(client, tools):
    alpha, beta, _ = tools
    cast.compare(beta, alpha)
    assert client.get(sent("alpha", "beta"))["Location"] == "/compare/beta-vs-alpha/"


def test_a_name_that_is_nearly_right_is_answered_with_the_nearest_and_nothing_is_lost(site, tools):
    page = site.get(sent("alpa", "Beta", "", "gamma"))
    assert texts(page) == ["alpa", "Beta", "Gamma", ""]
    assert errors(page) == {0: "We know no tool of this name. Near it:"}
    choice = page.links(".picker-choices a")[0]
    assert choice == "/compare/?tool=alpha&tool=Beta&tool=gamma"
    assert site.client.get(choice)["Location"] == "/compare/alpha-vs-beta-vs-gamma/"


def test_several_tools_of_one_name_are_offered_and_a_slug_tells_which(site, tools):
    cast.make_tool("alpha-2", "Alpha")
    page = site.get(sent("Alpha", "Beta"))
    assert errors(page) == {0: "Several tools have this name. Choose one."}
    assert page.links(".picker-choices a") == [
        "/compare/?tool=alpha&tool=Beta",
        "/compare/?tool=alpha-2&tool=Beta",
    ]
    assert page.all(".picker-choices a") == ["Alpha (alpha)", "Alpha (alpha-2)"]
    assert site.client.get(sent("alpha-2", "Beta"))["Location"] == "/compare/alpha-2-vs-beta/"


def test_the_same_tool_twice_is_said_beside_the_second(site, tools):
    page = site.get(sent("alpha", "Alpha"))
    assert texts(page) == ["Alpha", "Alpha", "", ""]
    assert errors(page) == {1: "This tool is there already. Name another one."}


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        (["", "", "", ""], {0: "Name two tools."}),
        (["alpha", "", "", ""], {1: "Name a second tool."}),
        (["", "", "", "alpha"], {1: "Name a second tool."}),
    ],
)
def test_too_few_tools_are_said_beside_the_field_that_is_missing(site, tools, asked, wrong):
    assert errors(site.get(sent(*asked))) == wrong


def test_a_fifth_tool_comes_back_with_what_to_do(site, tools):
    cast.delta()
    cast.make_tool("epsilon")
    page = site.get(sent("alpha", "beta", "gamma", "delta", "epsilon"))
    assert texts(page)[4] == "epsilon"
    assert errors(page) == {4: "One page compares 4 tools at most. Empty this field."}


def test_hundreds_of_tools_are_cut_short(site, tools):
    assert len(texts(site.get(sent(*[f"x{number}" for number in range(300)])))) == 8


@pytest.mark.parametrize(
    "text",
    ["a\x00b", "x" * 300, "' OR 1=1 --", "<script>alert(1)</script>", "日本語", "%", "\u202e"],
)
def test_hostile_texts_come_back_as_they_are_with_an_error(site, tools, text):
    page = site.get(sent(text, "Beta"))
    assert "<script>alert" not in page.html
    assert list(errors(page)) == [0]
    assert texts(page)[0] == text.replace("\x00", " ")


def test_nothing_but_a_nul_is_nothing(site, tools):
    assert errors(site.get(sent("\x00", "Beta"))) == {1: "Name a second tool."}


def test_a_name_that_is_too_long_says_so(site, tools):
    assert errors(site.get(sent("x" * 201, "Beta"))) == {
        0: "No tool’s name is longer than 200 characters."
    }


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_a_tool_that_is_not_public_is_not_known(site, tools, status):
    cast.make_tool("hidden", status=status)
    page = site.get(sent("hidden", "alpha"))
    assert "We know no tool of this name." in errors(page)[0]
    assert "Hidden" not in page.text


def test_a_link_can_fill_it_in_without_sending_it(site, tools):
    page = site.get("/compare/?with=alpha&with=gamma&with=nope-at-all")
    assert texts(page)[:2] == ["Alpha", "Gamma"]
    assert list(errors(page)) == [2]
    assert errors(site.get("/compare/?with=alpha")) == {}


def test_a_filled_in_picker_stays_out_of_the_index(site, tools):
    assert "noindex" not in site.get("/compare/").html
    assert "noindex" in site.get("/compare/?with=alpha").html
    assert "noindex" in site.get(sent("")).html


def test_the_number_of_queries_does_not_grow_with_the_names(
    site, tools, django_assert_max_num_queries
):
    site.get(sent("nope"))  # looks the names up, which are kept for a while
    with django_assert_max_num_queries(2):
        site.get("/compare/?with=alpha")
    with django_assert_max_num_queries(2):
        site.get(sent("alpa", "bta", "gmma", "Alpha", "nope"))
