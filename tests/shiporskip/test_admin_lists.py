"""The desk's lists: what they show, how they are searched and filtered, and acts on many rows."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from reviews.models import Review
from reviews.publishing import move_tool
from reviews.writing import Statement, record_reviews
from tests import cast
from tools import lists
from tools.models import Price, Tool
from tools.status import Status

pytestmark = pytest.mark.django_db

TOOLS, REVIEWS = "/admin/tools/tool/", "/admin/reviews/review/"
PLANS, COMPARISONS = "/admin/tools/plan/", "/admin/comparisons/comparison/"


@pytest.fixture
def enter(client):
    """Log a member of a group in."""

    def enter(group):
        user = User.objects.create(username=group.lower(), is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
        return client

    return enter


@pytest.fixture
def names(enter, site):
    """The first column of a list, as an editor sees it."""
    enter("Editor")
    return lambda address: site.get(address).all("#result_list tbody th")


def draft(slug, verdicts=("builder", "skeptic", "futurist", "founder")):
    tool = cast.make_tool(slug, status=Status.DRAFT)
    record_reviews(
        Statement(tool.pk, persona, "ship", 50, "Because.", status=Status.DRAFT)
        for persona in verdicts
    )
    return tool


def act(client, address, action, rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    answer = client.post(address, data, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_a_tool_is_found_by_the_beginnings_of_its_words_and_by_its_vendor(names):
    cast.make_tool("claude-code", vendor=cast.make_vendor("anthropic"))
    cast.make_tool("codex", vendor=cast.make_vendor("openai"))
    assert names(f"{TOOLS}?q=cod") == ["Claude Code", "Codex"]
    assert names(f"{TOOLS}?q=code+CLA") == ["Claude Code"]
    assert names(f"{TOOLS}?q=anthro") == ["Claude Code"]
    assert names(f"{TOOLS}?q=ode") == []


@pytest.mark.parametrize("typed", ["!!", "%00", "'", "a & | ! ( :*", "\\", "&amp;<b>", "x" * 5000])
@pytest.mark.parametrize(
    "address", [TOOLS, REVIEWS, PLANS, COMPARISONS, "/admin/tools/act/", "/admin/tools/vendor/"]
)
def test_whatever_is_typed_into_the_search_is_answered(enter, address, typed):
    answer = enter("Editor").get(address, {"q": typed})
    assert answer.status_code == 200


def test_reviews_plans_comparisons_and_acts_are_found_by_their_tool(names):
    alpha, beta = cast.alpha(), cast.beta()
    cast.compare(alpha, beta)
    cast.compare(beta, cast.gamma())
    assert names(f"{REVIEWS}?q=alpha") == ["Alpha"] * 4
    assert names(f"{PLANS}?q=beta") == ["Pay per token"]
    assert names(f"{COMPARISONS}?q=gam") == ["Beta vs Gamma"]
    assert set(names("/admin/tools/act/?q=gamma+vs")) == {"Beta vs Gamma"}


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (lists._TOOLS, "tools_tool_search_names"),
        (lists._VENDORS, "tools_vendor_search"),
        (lists._ACTS, "tools_act_search"),
    ],
)
def test_the_search_reads_an_index(sql, index):
    with connection.cursor() as cursor:
        # Of a table this small Postgres may read everything, in order or along the primary key.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("SET LOCAL enable_indexonlyscan = off")
        cursor.execute("EXPLAIN " + sql.replace("%s", "'lint:*'"))
        assert index in "\n".join(line for (line,) in cursor.fetchall())


def test_what_was_scheduled_and_is_due_counts_as_published(names):
    move_tool(draft("ahead"), Status.SCHEDULED, at=timezone.now() + timedelta(hours=1))
    cast.make_tool("due", status=Status.SCHEDULED, published_at=timezone.now())
    draft("young")
    assert names(f"{TOOLS}?stage=published") == ["Due"]
    assert names(f"{TOOLS}?stage=scheduled") == ["Ahead"]
    assert names(f"{TOOLS}?stage=draft") == ["Young"]
    assert len(names(f"{TOOLS}?stage=nonsense")) == 3


def test_tools_are_filtered_by_the_verdict_that_is_missing(names):
    cast.alpha()
    cast.gamma()
    draft("young", ["founder"])
    assert names(f"{TOOLS}?missing=any") == ["Gamma", "Young"]
    assert names(f"{TOOLS}?missing=founder") == ["Gamma"]


def test_a_tools_row_draws_its_verdicts_and_says_what_is_missing(enter, site):
    enter("Editor")
    cast.gamma()
    page = site.get(TOOLS)
    (strip,) = page.tree.cssselect("#result_list .panel-strip")
    assert strip.get("aria-label") == "Panel: 2 ship, 1 skip, the Skeptic skips, 1 to come"
    assert page.one("#result_list .field-missing") == "Founder"


def test_tools_and_plans_with_stale_prices_are_filtered(names):
    cast.check_price(cast.make_tool("fresh"))
    cast.check_price(cast.make_tool("stale"), checked_on=date(2020, 1, 1))
    assert names(f"{TOOLS}?prices=stale") == ["Stale"]
    assert names(f"{PLANS}?prices=stale") == ["Checked plan"]


def test_comparisons_are_filtered_by_whether_search_engines_may_list_them(names):
    alpha, beta = cast.alpha(), cast.beta()
    cast.check_price(alpha)
    cast.check_price(beta)
    cast.compare(alpha, beta)
    cast.compare(beta, cast.gamma())
    assert names(f"{COMPARISONS}?indexable=yes") == ["Alpha vs Beta"]
    assert names(f"{COMPARISONS}?indexable=no") == ["Beta vs Gamma"]


def test_reviews_that_flipped_this_week_are_filtered(names):
    tool = cast.alpha()
    record_reviews([Statement(tool.pk, "founder", "skip", 30, "Dear.", reason="Dearer.")])
    assert names(f"{REVIEWS}?flipped=week") == ["Alpha"]


def test_publishing_many_tells_what_was_refused_and_why(enter):
    whole, half, old = draft("whole"), draft("half", ["builder"]), cast.alpha()
    told = act(enter("Editor"), TOOLS, "publish", [whole, half, old])
    assert told[0] == "Published: 1."
    assert "“Half”: The Skeptic’s verdict is missing." in told[1]
    assert "“Alpha”: It is published already." in told[1]
    assert Tool.objects.get(pk=whole.pk).is_public
    assert Tool.objects.get(pk=half.pk).stage == Status.DRAFT
    assert not whole.reviews.exclude(status=Status.PUBLISHED).exists()


def test_withdrawing_reviews_asks_for_a_reason(enter):
    client, reviews = enter("Editor"), list(cast.alpha().reviews.all())
    (told,) = act(client, REVIEWS, "withdraw", reviews[:2])
    assert told.startswith("Refused: 2.")
    assert "Say why it is withdrawn; readers see it." in told
    told = act(client, REVIEWS, "withdraw", reviews[:2], reason="They were wrong.")
    assert told == ["Withdrawn: 2."]
    assert Review.objects.filter(status=Status.WITHDRAWN).count() == 2


def test_too_many_rows_at_once_are_refused_as_a_whole(enter, monkeypatch):
    monkeypatch.setattr(lists, "AT_ONCE", 1)
    tools = [draft("one"), draft("two")]
    (told,) = act(enter("Editor"), TOOLS, "publish", tools)
    assert told == "Choose at most 1 rows at once. Nothing was changed."
    assert not Tool.objects.published().exists()


@pytest.mark.parametrize("group", ["Editor", "Publisher"])
@pytest.mark.parametrize("address", [TOOLS, PLANS])
def test_prices_are_marked_as_checked_and_no_price_is_added(enter, group, address):
    tool, bare = cast.make_tool("tool"), cast.make_tool("bare")
    plan = cast.check_price(tool, checked_on=date(2020, 1, 1))
    free = cast.add_plan(bare, "Free")
    rows = [tool, bare] if address == TOOLS else [plan, free]
    told = act(enter(group), address, "mark_checked", rows)
    assert told[0] == "Prices checked today: 1."
    assert told[1] == f"Refused: 1. “{rows[1]}”: No price is recorded."
    assert Price.objects.get().checked_on == timezone.localdate()


@pytest.mark.parametrize(
    ("address", "action"),
    [(TOOLS, "publish"), (TOOLS, "withdraw"), (TOOLS, "mark_checked"), (PLANS, "mark_checked"),
     (REVIEWS, "publish"), (COMPARISONS, "publish")],
)  # fmt: skip
def test_an_author_neither_sees_nor_forges_an_act_on_many(enter, address, action):
    client = enter("Author")
    tool = draft("draft")
    plan = cast.check_price(tool, checked_on=date(2020, 1, 1))
    pair = cast.compare(tool, cast.alpha(), status=Status.DRAFT)
    rows = {TOOLS: [tool], PLANS: [plan], COMPARISONS: [pair], REVIEWS: tool.reviews.all()}
    assert f'value="{action}"' not in client.get(address).content.decode()
    act(client, address, action, rows[address])
    tool.refresh_from_db()
    pair.refresh_from_db()
    assert tool.status == pair.status == Status.DRAFT
    assert not tool.reviews.exclude(status=Status.DRAFT).exists()
    assert plan.prices.get().checked_on == date(2020, 1, 1)


@pytest.mark.parametrize(
    ("address", "queries"),
    [(TOOLS, 9), (REVIEWS, 5), (COMPARISONS, 9), (PLANS, 6), ("/admin/tools/vendor/", 5),
     ("/admin/tools/category/", 5), ("/admin/tools/act/", 5)],
)  # fmt: skip
def test_a_list_costs_the_same_however_long_it_is(
    admin_client, django_assert_max_num_queries, address, queries
):
    alpha = cast.alpha()
    for number in range(15):
        other = cast.make_tool(f"tool-{number}", vendor=cast.make_vendor(f"vendor-{number}"))
        cast.review(other, "ship ship ship ship")
        cast.check_price(other)
        cast.compare(alpha, other)
    with django_assert_max_num_queries(queries):
        assert admin_client.get(address).status_code == 200


def test_a_tool_is_chosen_by_autocompletion_and_not_from_a_box_of_all(admin_client):
    tools = [cast.make_tool(f"tool-{number}") for number in range(3)]
    page = admin_client.get(f"{REVIEWS}add/").content.decode()
    assert not any(f">{tool.name}<" in page for tool in tools)
    query = {"term": "tool-2", "app_label": "reviews", "model_name": "review", "field_name": "tool"}
    found = admin_client.get("/admin/autocomplete/", query).json()["results"]
    assert [result["text"] for result in found] == ["Tool 2"]


def test_the_desk_keeps_to_the_policy_of_the_site(admin_client):
    cast.alpha()
    for address in ("/admin/", TOOLS, f"{REVIEWS}add/"):
        page = admin_client.get(address).content.decode()
        assert "<style" not in page
        assert " style=" not in page


@pytest.mark.parametrize("rows", ["tools/tool", "digest/edition", "digest/subscriber"])
@pytest.mark.parametrize("name", ["status__exact", "topic", "stage", "o", "no_such"])
def test_a_filter_by_no_text_is_answered(enter, rows, name):
    answer = enter("Administrator").get(f"/admin/{rows}/", {name: "\0"})
    assert answer.status_code in (200, 302)
