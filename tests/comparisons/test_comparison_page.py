import pytest
from django.utils import timezone

from reviews.duels import DuelTally
from tests import cast

pytestmark = pytest.mark.django_db

ADDRESS = "/compare/alpha-vs-beta/"


@pytest.fixture
def pair(db):
    return cast.alpha(), cast.beta()


def rows(page):
    """The decision table: {question: [answers]}, without the marks and remarks."""
    found = {}
    for row in page.tree.cssselect(".decision tbody tr"):
        question = row.cssselect("th")[0].text.strip()
        found[question] = [cell.cssselect("bdi")[0].text_content() for cell in row.cssselect("td")]
    return found


def test_it_is_titled_by_both_names(site, pair):
    page = site.get(ADDRESS)
    assert page.one("title") == "Alpha vs Beta: which should you ship? · Ship or Skip"
    assert page.one("h1") == "Alpha vs Beta"
    assert page.one(".breadcrumb") == "Compare Alpha vs Beta"


def test_it_answers_the_question_in_a_sentence_above_the_cards(site, pair):
    page = site.get(ADDRESS)
    assert page.one(".answer") == (
        "Alpha wins on the panel: 4 of 4 personas ship it, against 3 of 4 for Beta."
    )
    assert page.html.index('class="answer"') < page.html.index('class="versus-cards"')


def test_each_card_shows_the_stamp_and_three_figures(site, pair):
    left, right = site.get(ADDRESS).all(".manifest")
    assert left.startswith("A Developer Tools Save Alpha What alpha is for Ship")
    assert "100% Panel ship — Community Free Entry The description of alpha." in left
    assert "75% Panel ship — Community Paid Entry" in right


def test_the_decision_table_answers_one_question_a_row(site, pair):
    assert rows(site.get(ADDRESS)) == {
        "Panel verdict": ["Ship · 4 ship / 0 skip", "Ship · 3 ship / 1 skip"],
        "Community": ["No community votes yet", "No community votes yet"],
        "Pricing": ["Free tier / Pro $20/mo", "Pay per token"],
        "Best for": ["What alpha is for", "What beta is for"],
        "Category": ["Developer Tools", "Developer Tools"],
        "Vendor": ["Acme", "Acme"],
    }


def test_rows_that_differ_are_marked_in_words(site, pair):
    marked = site.get(ADDRESS).all(".decision-differs th")
    assert marked == ["Panel verdict differs", "Pricing differs", "Best for differs"]


def test_the_table_has_headers_for_rows_and_columns(site, pair):
    page = site.get(ADDRESS)
    assert page.all('.decision th[scope="col"]') == ["Alpha", "Beta"]
    assert len(page.all('.decision th[scope="row"]')) == 6


def test_prices_say_when_they_were_last_checked_and_which_are_unknown(site, pair):
    pricing = site.get(ADDRESS).all(".decision-note")
    assert pricing == [
        "Pro $20/mo: USD 20.00 per month",
        "checked 14 Nov 2026",
        "1 amount not known",
    ]


def test_two_plans_of_one_label_and_two_prices_differ(site):
    for slug, amount in (("one", "20"), ("two", "200")):
        cast.add_plan(cast.make_tool(slug), "Pro", "subscription", amount)
    assert "Pricing differs" in site.get("/compare/one-vs-two/").all(".decision-differs th")


def test_the_scorecard_holds_every_argument_in_the_personas_order(site, pair):
    page = site.get(ADDRESS)
    assert page.all(".matchup h3") == ["Builder", "Skeptic", "Futurist", "Founder"]
    assert page.all(".argument .verdict-word") == [
        "84/100 · ship", "85/100 · ship", "78/100 · ship", "78/100 · ship",
        "81/100 · ship", "82/100 · ship", "72/100 · ship", "40/100 · skip",
    ]  # fmt: skip
    assert "The Skeptic argues about beta." in page.text


def test_a_persona_that_disagrees_with_itself_and_a_panel_that_disagrees_are_seen(site, pair):
    page = site.get(ADDRESS)
    assert page.all(".flag") == ["Ships one, skips the other", "outvoted"]


def test_the_gap_between_two_scores_is_drawn_and_described(site, pair):
    page = site.get(ADDRESS)
    labels = [svg.get("aria-label") for svg in page.tree.cssselect(".score-line")]
    assert labels[3] == "Founder: Alpha 72, Beta 40, of 100"
    assert page.all(".matchup-head .label") == ["1 point apart", "Same score", "1 point apart"]


def test_a_score_that_was_not_given_is_left_out_and_not_drawn(site, pair):
    cast.gamma()
    page = site.get("/compare/alpha-vs-gamma/")
    words = page.all(".argument .verdict-word")
    assert words[:2] == ["84/100 · ship", "ship"]
    assert page.tree.cssselect(".score-line")[0].get("aria-label") == (
        "Builder: Alpha 84, Gamma without a score, of 100"
    )


def test_a_pending_panel_says_what_is_missing(site, pair):
    cast.gamma()
    page = site.get("/compare/alpha-vs-gamma/")
    assert page.one(".answer") == (
        "Too early to call: Gamma has 3 of its 4 reviews, and a panel decides with all four."
    )
    assert rows(page)["Panel verdict"][1] == "Pending · 2 ship / 1 skip"
    assert "The Founder has not reviewed this tool yet." in page.text


def test_a_split_panel_is_called_split(site, pair):
    split = cast.make_tool("split")
    cast.review(split, "ship ship skip skip")
    page = site.get("/compare/alpha-vs-split/")
    assert rows(page)["Panel verdict"][1] == "Split · 2 ship / 2 skip"
    assert "outvoted" not in page.text


def test_a_tool_without_anything_still_makes_a_page(site, pair):
    cast.delta()
    page = site.get("/compare/alpha-vs-delta/")
    assert rows(page)["Pricing"][1] == "No plan recorded yet"
    assert rows(page)["Best for"][1] == "Not recorded yet"
    assert page.all(".manifest")[1].count("—") == 2
    assert "Unknown Entry No description yet." in page.all(".manifest")[1]


def test_two_tools_without_reviews_make_a_page_too(site):
    cast.delta()
    cast.make_tool("epsilon")
    assert "has 0 of its 4 reviews" in site.get("/compare/delta-vs-epsilon/").one(".answer")


@pytest.mark.parametrize(
    "address",
    [
        "/compare/beta-vs-alpha/",
        "/compare/Alpha-VS-beta/",
        "/compare/alpha-vs-beta",
        "/compare/BETA-vs-ALPHA",
    ],
)
def test_any_other_spelling_leads_to_the_one_address_at_once(client, pair, address):
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (301, ADDRESS)


def test_a_redirect_keeps_the_query_string(client, pair):
    assert client.get("/compare/beta-vs-alpha/?ref=x")["Location"] == f"{ADDRESS}?ref=x"


def test_where_an_editor_made_the_comparison_its_order_stands(client, site, pair):
    cast.compare(*reversed(pair))
    assert client.get(ADDRESS)["Location"] == "/compare/beta-vs-alpha/"
    assert site.get("/compare/beta-vs-alpha/").one("h1") == "Beta vs Alpha"


def test_a_tool_against_itself_leads_to_the_tool(client, pair):
    assert client.get("/compare/alpha-vs-alpha/")["Location"] == "/tools/alpha/"


def test_the_editors_text_stands_on_the_page_and_lets_it_into_the_index(site, pair):
    for tool in pair:
        cast.check_price(tool)
    assert 'content="noindex, follow"' in site.get(ADDRESS).html
    cast.compare(*pair, summary="They differ in **one** thing.")
    page = site.get(ADDRESS)
    assert "They differ in one thing." in page.text
    assert "noindex" not in page.html


def test_a_draft_neither_shows_nor_changes_the_order(site, pair):
    cast.compare(*reversed(pair), summary="A secret draft.", status="draft")
    assert "A secret draft." not in site.get(ADDRESS).html


def test_a_comparison_waits_for_its_moment(site, pair):
    later = timezone.now() + timezone.timedelta(hours=1)
    cast.compare(*reversed(pair), summary="Not yet.", published_at=later)
    assert "Not yet." not in site.get(ADDRESS).html


def test_only_the_rows_that_differ_are_a_link_away_and_so_is_the_way_back(site, pair):
    for tool in pair:
        cast.check_price(tool)
    cast.compare(*pair)
    page = site.get(ADDRESS)
    assert page.links(".decision-actions a")[0] == f"{ADDRESS}?rows=different#decision"
    different = site.get(f"{ADDRESS}?rows=different")
    assert list(rows(different)) == ["Panel verdict", "Pricing", "Best for"]
    assert different.links(".decision-actions a")[0] == f"{ADDRESS}#decision"
    assert f'{ADDRESS}">' in different.html
    assert "noindex" in different.html
    assert "noindex" not in page.html


def test_tools_that_differ_in_no_row_say_so(site):
    for slug in ("one", "two"):
        cast.make_tool(slug, tagline="The same")
    page = site.get("/compare/one-vs-two/?rows=different")
    assert "They differ in none of these." in page.text
    assert not page.all(".decision")


def test_any_other_choice_of_rows_shows_all(site, pair):
    for value in ("all", "", "%00", "x" * 300):
        assert len(rows(site.get(f"{ADDRESS}?rows={value}"))) == 6


def test_another_tool_is_added_in_the_picker_that_keeps_the_two(site, pair):
    link = site.get(ADDRESS).links(".decision-actions a")[1]
    assert link == "/compare/?with=alpha&with=beta#pick"
    fields = site.get(link.split("#")[0]).tree.cssselect(".picker input")
    assert [field.get("value") for field in fields] == ["Alpha", "Beta", "", ""]


def test_other_comparisons_of_the_two_follow_and_the_page_itself_does_not(site, pair):
    alpha, beta = pair
    cast.compare(alpha, beta)
    cast.compare(alpha, cast.gamma())
    cast.compare(cast.delta(), cast.make_tool("epsilon"))
    page = site.get(ADDRESS)
    assert page.links(".comparison-row") == ["/compare/alpha-vs-gamma/"]
    assert page.one(".comparison-row-reason") == "Gamma in place of Beta: 2 of 4 ship it"


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_a_tool_that_is_not_public_has_no_comparison(site, pair, status):
    cast.make_tool("hidden", status=status)
    site.get("/compare/alpha-vs-hidden/", status=404)


def test_an_unknown_slug_is_answered_with_the_nearest_pairs(site, pair):
    page = site.get("/compare/alpa-vs-beta/", status=404)
    assert page.one("h1") == "Nothing at this address"
    assert "/compare/alpha-vs-beta/" in page.links()


def test_each_unknown_slug_is_looked_for(site, pair):
    page = site.get("/compare/zzzzzz-vs-alpah/", status=404)
    assert "/tools/alpha/" in page.links()


def test_an_address_of_one_name_offers_what_it_may_mean(site, pair):
    assert "/tools/alpha/" in site.get("/compare/alpha/", status=404).links()


def test_what_the_404_offers_is_not_redirected(site, client, pair):
    cast.compare(*reversed(pair))
    page = site.get("/compare/alpah-vs-beta/", status=404)
    assert "/compare/beta-vs-alpha/" in page.links()


def test_two_unknown_slugs_are_answered_with_the_nearest_tools(site, pair):
    page = site.get("/compare/alpa-vs-bta/", status=404)
    assert {"/tools/alpha/", "/tools/beta/"} & set(page.links())


def test_the_page_costs_two_queries_however_much_there_is(site, pair, django_assert_num_queries):
    alpha, beta = pair
    with django_assert_num_queries(2):
        site.get(ADDRESS)
    for number in range(10):
        other = cast.make_tool(f"other-{number}")
        cast.compare(alpha, other)
        cast.add_plan(beta, f"Plan {number}", "subscription", "5")
    with django_assert_num_queries(2):
        site.get(ADDRESS)


def test_everybody_gets_the_same_bytes_and_no_cookie(client, pair):
    first, second = client.get(ADDRESS), client.get(ADDRESS)
    assert first.content == second.content
    assert not first.cookies
    assert "Cookie" not in first.get("Vary", "")
    assert b"csrf" not in first.content.lower()


def choices(left, right, **counts):
    DuelTally.objects.create(left=left, right=right, **counts)


def test_it_asks_readers_which_one_they_would_ship_with(site):
    cast.alpha(), cast.beta()
    page = site.get("/compare/alpha-vs-beta/")
    form = page.tree.cssselect(".duel-ballot")[0]
    assert (form.get("method"), form.get("action")) == ("post", "/compare/alpha-vs-beta/vote/")
    values = [button.get("value") for button in form.cssselect("button")]
    assert values == ["alpha", "beta", "neither", "retract"]
    assert page.one(".duel-count") == "Nobody has answered yet."


def test_what_few_readers_chose_is_no_percentage(site):
    choices(cast.alpha(), cast.beta(), lefts=3, rights=1)
    page = site.get("/compare/alpha-vs-beta/")
    assert page.one(".duel-count") == "4 readers answered, too few to say."
    assert page.tree.cssselect(".duel-bar[data-empty]")


@pytest.mark.parametrize("editors_order", [False, True])
def test_what_many_readers_chose_stands_in_the_order_of_the_page(site, editors_order):
    alpha, beta = cast.alpha(), cast.beta()
    choices(alpha, beta, lefts=24, rights=12, neithers=4, quarantined=70)
    if editors_order:
        cast.compare(beta, alpha)
    first, second = ("Beta", "Alpha") if editors_order else ("Alpha", "Beta")
    shares = {"Alpha": 60, "Beta": 30}
    page = site.get(f"/compare/{first.lower()}-vs-{second.lower()}/")
    said = page.one(".duel-count").replace("\u2068", "").replace("\u2069", "")
    assert said == (
        f"Of 40 readers {shares[first]}% would ship with {first}, "
        f"{shares[second]}% with {second}, 10% with neither."
    )
    bar = page.tree.cssselect(".duel-bar rect")
    assert [part.get("width") for part in bar] == ["100%", "90%", f"{shares[first]}%"]


def test_three_tools_are_no_duel(site):
    choices(cast.alpha(), cast.beta(), lefts=24)
    cast.gamma()
    assert site.get("/compare/alpha-vs-beta-vs-gamma/").all(".duel") == []
