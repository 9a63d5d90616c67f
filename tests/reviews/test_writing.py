"""Reviews are written with their revisions and their panel, and past revisions stay."""

from datetime import date

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from reviews.models import Panel, Review, Revision
from reviews.personas import Persona
from reviews.writing import Statement, record_reviews
from tools.models import Category, Tool, Vendor

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_tool():
    vendor = Vendor.objects.create(slug="acme", name="Acme")
    category = Category.objects.create(slug="agents", name="Agents")
    return lambda slug: Tool.objects.create(slug=slug, name=slug, vendor=vendor, category=category)


@pytest.fixture
def tool(make_tool) -> Tool:
    return make_tool("anvil")


def statement(tool: Tool, persona: str = "builder", verdict: str = "ship", **values) -> Statement:
    values = {"score": 84, "body": "It **holds**."} | values
    return Statement(tool.pk, persona, verdict, **values)


def test_a_first_statement_is_a_review_with_one_revision_and_a_panel(tool):
    (written,) = record_reviews([statement(tool)])
    assert (written.change, written.previous_verdict, written.verdict) == ("added", "", "ship")
    review = Review.objects.get()
    assert (review.verdict, review.score, review.evidence) == ("ship", 84, "researched")
    assert review.reviewed_on == timezone.localdate()
    assert "<strong>holds</strong>" in review.body_html
    revision = review.revisions.get()
    assert (revision.number, revision.verdict, revision.previous_verdict) == (1, "ship", "")
    assert Panel.objects.get(tool=tool).cells == "s---"


def test_a_changed_statement_adds_a_revision_and_leaves_the_first_one_as_it_was(tool):
    record_reviews([statement(tool)])
    (written,) = record_reviews([statement(tool, verdict="skip", body="It *broke*.", score=None)])
    assert (written.change, written.previous_verdict, written.verdict) == (
        "changed",
        "ship",
        "skip",
    )
    review = Review.objects.get()
    assert (review.verdict, review.score) == ("skip", None)
    assert "<em>broke</em>" in review.body_html
    assert list(Revision.objects.values_list("number", "verdict", "previous_verdict", "body")) == [
        (1, "ship", "", "It **holds**."),
        (2, "skip", "ship", "It *broke*."),
    ]
    assert Panel.objects.get(tool=tool).cells == "x---"


def test_the_same_statement_again_writes_nothing(tool):
    record_reviews([statement(tool)])
    writes = []

    def watch(execute, sql, *arguments):
        writes.extend([sql] if sql.startswith(("INSERT", "UPDATE", "DELETE")) else [])
        return execute(sql, *arguments)

    with connection.execute_wrapper(watch):
        (written,) = record_reviews([statement(tool)])
    assert (written.change, writes) == ("unchanged", [])


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "skip"},
        {"score": 85},
        {"score": None},
        {"body": "Other words."},
        {"evidence": "tested"},
        {"reviewed_on": date(2026, 1, 1)},
        {"reason": "A new version."},
    ],
)
def test_each_part_of_a_statement_counts_as_a_change(change, tool):
    record_reviews([statement(tool)])
    (written,) = record_reviews([statement(tool, **change)])
    assert written.change == "changed"
    assert Revision.objects.count() == 2


def test_what_a_changed_statement_does_not_mention_is_kept_or_dated_today(tool):
    first = statement(tool, evidence="tested", reviewed_on=date(2026, 1, 1), reason="Why not.")
    record_reviews([first])
    record_reviews([statement(tool, score=10)])
    review = Review.objects.get()
    assert (review.evidence, review.reason) == ("tested", "")
    assert review.reviewed_on == timezone.localdate()


def test_several_statements_of_one_persona_are_its_history_oldest_first(tool):
    history = [statement(tool, verdict=verdict, score=None) for verdict in ("skip", "ship", "skip")]
    record_reviews(history)
    assert [text.verdict for text in Revision.objects.order_by("number")] == [
        *("skip", "ship", "skip")
    ]
    assert [written.change for written in record_reviews(history)] == ["unchanged"]


def test_a_full_panel_says_what_the_scorecard_says(tool):
    record_reviews(
        statement(tool, persona, "ship" if number < 3 else "skip", score=70 + 10 * number)
        for number, persona in enumerate(Persona.values)
    )
    panel = Panel.objects.get()
    assert (panel.cells, panel.outcome, panel.mean_score) == ("sssx", "ship", 85.0)


def test_a_score_that_the_table_refuses_writes_nothing_at_all(make_tool):
    one, other = make_tool("one"), make_tool("other")
    with pytest.raises(IntegrityError):
        record_reviews([statement(one), statement(other, score=101)])
    assert not Review.objects.exists()


def test_many_reviews_take_as_many_queries_as_one(make_tool, django_assert_num_queries):
    tools = [make_tool(f"tool-{number}") for number in range(20)]
    # savepoint, who acts told and told back (3), lock, reviews, two inserts, panels read, removed
    # and written, release
    with django_assert_num_queries(12):
        record_reviews(statement(tool, persona) for tool in tools for persona in Persona.values)
    # savepoint, who acts told and told back (3), lock, reviews, revisions, release
    with django_assert_num_queries(8):
        record_reviews(statement(tool, persona) for tool in tools for persona in Persona.values)
