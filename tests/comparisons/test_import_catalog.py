"""Taking a catalog document in: what it writes, what it changes, and what it leaves alone."""

import io
import json
import re
import sys
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comparisons.catalog.changes import Changes
from comparisons.catalog.importing import RefusedError, import_document
from comparisons.models import Comparison
from reviews.models import Panel, Review, Revision

# What it writes
from tests.documents import PRICE, call_and_read, catalog, changed, review, without
from tools.models import Category, Plan, Price, Tool, Vendor
from tools.status import Status


@pytest.mark.django_db
def test_everything_in_the_document_is_written(take_in):
    assert take_in(catalog()) == (
        "Added 1 category, 1 vendor, 2 tools, 2 plans, 1 price, 2 reviews, 1 comparison.\n"
    )
    tool = Tool.objects.get(slug="anvil")
    assert (tool.vendor.slug, tool.category.slug, tool.status) == ("acme", "agents", "published")
    assert tool.released_on == date(2026, 5, 22)
    assert "<strong>anvil</strong>" in tool.description_html
    assert tool.published_at is not None
    assert [plan.label for plan in tool.plans.all()] == ["Free", "Pro"]
    price = Price.objects.get()
    assert (price.amount, price.effective_on) == (Decimal("20"), date(2026, 5, 22))
    assert "<strong>holds</strong>" in tool.reviews.get(persona="builder").body_html
    assert Panel.objects.get(tool=tool).cells == "sx--"
    assert "<em>act</em>" in Category.objects.get().description_html
    comparison = Comparison.objects.get()
    assert comparison.get_absolute_url().endswith("/anvil-vs-bellows/")
    assert "<em>air</em>" in comparison.summary_html


@pytest.mark.django_db
def test_only_what_is_required_is_enough_and_the_rest_takes_its_default(take_in):
    take_in(
        {
            "format": "shiporskip/1",
            "categories": [{"slug": "agents", "name": "Agents"}],
            "vendors": [{"slug": "acme", "name": "Acme"}],
            "tools": [
                {
                    "slug": slug,
                    "name": slug,
                    "vendor": "acme",
                    "category": "agents",
                    "plans": [{"label": "Pro", "kind": "usage", "prices": [{"amount": "3"}]}],
                    "reviews": [{"persona": "founder", "verdict": "skip", "body": "No."}],
                }
                for slug in ("anvil", "bellows")
            ],
            "comparisons": [{"left": "bellows", "right": "anvil"}],
        }
    )
    today = timezone.localdate()
    tool = Tool.objects.get(slug="anvil")
    assert (tool.status, tool.tagline, tool.released_on) == ("published", "", None)
    price = tool.plans.get().prices.get()
    assert (price.currency, price.period, price.unit) == ("USD", "month", "")
    assert (price.effective_on, price.checked_on) == (today, today)
    standing = tool.reviews.get()
    assert (standing.score, standing.evidence, standing.reviewed_on, standing.reason) == (
        None,
        "researched",
        today,
        "",
    )
    assert Comparison.objects.get().status == "published"


@pytest.mark.django_db
def test_null_is_an_unknown_score_or_release_day(take_in):
    take_in(catalog())
    document = changed("tools.0.released_on", None)
    document["tools"][0]["reviews"][0] |= {"score": None, "reason": "Not measured."}
    take_in(document)
    assert Tool.objects.get(slug="anvil").released_on is None
    assert Review.objects.get(persona="builder").score is None


@pytest.mark.django_db
def test_a_byte_order_mark_before_the_document_is_no_error(take_in):
    assert "2 tools" in take_in(b"\xef\xbb\xbf" + json.dumps(catalog()).encode())


@pytest.mark.django_db
def test_a_document_may_refer_to_what_is_in_the_database(take_in):
    take_in(catalog())
    take_in(
        {
            "format": "shiporskip/1",
            "tools": [{"slug": "chisel", "name": "C", "vendor": "acme", "category": "agents"}],
            "comparisons": [{"left": "chisel", "right": "anvil"}],
        }
    )
    assert Comparison.objects.filter(left__slug="chisel", right__slug="anvil").exists()


@pytest.mark.django_db
def test_standard_input_is_read_for_a_hyphen(monkeypatch):
    text = io.TextIOWrapper(io.BytesIO(json.dumps(catalog()).encode()))
    monkeypatch.setattr(sys, "stdin", text)
    call_command("import_catalog", "-", stdout=io.StringIO())
    assert Tool.objects.count() == 2


@pytest.mark.django_db
def test_the_demo_is_taken_in(take_in):
    demo = (settings.BASE_DIR / "fixtures/demo.json").read_bytes()
    assert take_in(demo).startswith("Added ")
    assert take_in(demo) == "Nothing to change.\n"


@pytest.mark.django_db
def test_a_persona_that_is_repeated_tells_its_history_oldest_first(take_in):
    history = [
        review("builder", verdict="skip", score=None, reviewed_on="2026-01-01"),
        review("builder", body="Now it holds.", reason="A new hammer."),
    ]
    document = changed("tools.0.reviews", history)
    take_in(document)
    standing = Review.objects.get()
    assert (standing.verdict, standing.reason) == ("ship", "A new hammer.")
    revisions = list(standing.revisions.values_list("number", "verdict", "previous_verdict"))
    assert revisions == [(1, "skip", ""), (2, "ship", "skip")]
    assert take_in(document) == "Nothing to change.\n"


# What it changes, and what it leaves alone


@pytest.mark.django_db
def test_the_same_document_again_changes_nothing_and_writes_nothing(take_in):
    take_in(catalog())
    writes = []

    def watch(execute, sql, params, many, context):
        writes.extend([sql] if sql.startswith(("INSERT", "UPDATE", "DELETE")) else [])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert take_in(catalog()) == "Nothing to change.\n"
    assert writes == []


@pytest.mark.django_db
def test_a_document_without_dates_is_the_same_tomorrow(take_in, monkeypatch):
    document = catalog()
    for key in ("effective_on", "checked_on"):
        del document["tools"][0]["plans"][1]["prices"][0][key]
    for of_tool in document["tools"][0]["reviews"]:
        del of_tool["reviewed_on"]
    take_in(document)
    tomorrow = timezone.localdate() + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda *_: tomorrow)
    assert take_in(document) == "Nothing to change.\n"


@pytest.mark.django_db
def test_changed_values_are_written_with_what_follows_from_them(take_in):
    take_in(catalog())
    before = Tool.objects.get(slug="anvil").updated_at
    document = catalog()
    document["categories"][0]["description"] = "They `wait`."
    document["vendors"][0]["name"] = "Acme Inc."
    document["tools"][0]["description"] = "A *lighter* anvil."
    document["comparisons"][0]["summary"] = "Now **even**."
    document["tools"][0]["plans"][1]["kind"] = "quote"
    assert take_in(document) == ("Changed 1 category, 1 vendor, 1 tool, 1 plan, 1 comparison.\n")
    assert "<code>wait</code>" in Category.objects.get().description_html
    assert Vendor.objects.get().name == "Acme Inc."
    tool = Tool.objects.get(slug="anvil")
    assert "<em>lighter</em>" in tool.description_html
    assert tool.updated_at > before
    assert "<strong>even</strong>" in Comparison.objects.get().summary_html
    assert Plan.objects.get(label="Pro").kind == "quote"


@pytest.mark.django_db
def test_what_the_document_leaves_out_is_left_alone(take_in):
    take_in(catalog())
    before = call_and_read("export_catalog")
    take_in(
        {
            "format": "shiporskip/1",
            "tools": [
                {"slug": "anvil", "name": "Anvil", "vendor": "acme", "category": "agents"},
            ],
            "comparisons": [{"left": "anvil", "right": "bellows"}],
        }
    )
    assert call_and_read("export_catalog") == before


@pytest.mark.django_db
def test_an_empty_text_is_not_left_out(take_in):
    take_in(catalog())
    take_in(changed("tools.0.tagline", ""))
    assert Tool.objects.get(slug="anvil").tagline == ""


@pytest.mark.django_db
def test_a_changed_review_adds_a_revision_and_the_panel_follows(take_in):
    take_in(catalog())
    take_in(changed("tools.0.reviews.0", review("builder", verdict="skip", reason="It broke.")))
    assert [text.verdict for text in Revision.objects.filter(review__persona="builder")] == [
        "ship",
        "skip",
    ]
    assert Panel.objects.get(tool__slug="anvil").cells == "xx--"


@pytest.mark.parametrize(
    ("values", "change"),
    [
        ({"verdict": "skip"}, "the verdict changes"),
        ({"verdict": "skip", "score": 20, "reason": " "}, "the verdict changes"),
        ({"score": 20}, "the score changes"),
        ({"score": None}, "the score changes"),
        ({"status": "withdrawn"}, "it is withdrawn"),
    ],
)
@pytest.mark.django_db
def test_what_changes_for_readers_needs_its_reason(values, change, take_in, refusal):
    take_in(catalog())
    document = changed("tools.0.reviews.0", review("builder", **values))
    assert refusal(document) == [f"tools[0].reviews[0].reason: say why {change}; readers see it"]
    document["tools"][0]["reviews"][0]["reason"] = "A new version."
    assert take_in(document) == "Changed 1 review.\n"
    assert take_in(document) == "Nothing to change.\n"


@pytest.mark.parametrize("values", [{"body": "Other words."}, {"evidence": "vendor"}])
@pytest.mark.django_db
def test_what_leaves_verdict_and_score_alone_needs_no_reason(values, take_in):
    take_in(catalog())
    document = changed("tools.0.reviews.0", review("builder", **values))
    assert take_in(document) == "Changed 1 review.\n"


@pytest.mark.django_db
def test_a_review_that_readers_do_not_see_changes_without_a_reason(take_in):
    take_in(changed("tools.0.reviews", [review("builder", status="draft")]))
    document = changed("tools.0.reviews", [review("builder", verdict="skip", status="published")])
    assert take_in(document) == "Changed 1 review.\n"


@pytest.mark.django_db
def test_only_the_new_steps_of_a_public_history_need_reasons(take_in, refusal):
    history = [review("builder", verdict="skip"), review("builder")]
    take_in(changed("tools.0.reviews", history))
    history += [
        review("builder", score=50, reason="Measured again."),
        review("builder", verdict="skip", score=50),
    ]
    assert refusal(changed("tools.0.reviews", history)) == [
        "tools[0].reviews[3].reason: say why the verdict changes; readers see it"
    ]
    history[3]["reason"] = "It broke."
    assert take_in(changed("tools.0.reviews", history)) == "Changed 1 review.\n"
    assert Revision.objects.count() == 4


@pytest.mark.django_db
def test_a_score_that_is_left_out_is_unknown_even_where_one_was_known(take_in):
    take_in(catalog())
    document = without("tools.0.reviews.0.score")
    document["tools"][0]["reviews"][0]["reason"] = "Not measured."
    take_in(document)
    assert Review.objects.get(persona="builder").score is None


@pytest.mark.django_db
def test_a_changed_price_adds_a_price_and_keeps_the_past(take_in):
    take_in(catalog())
    document = changed(f"{PRICE}.amount", "25.00")
    document["tools"][0]["plans"][1]["prices"][0]["effective_on"] = "2026-07-01"
    assert take_in(document) == "Added 1 price.\n"
    assert [str(price.amount) for price in Price.objects.all()] == ["20.000000", "25.000000"]


@pytest.mark.django_db
def test_a_price_that_was_checked_again_is_only_dated_anew(take_in):
    take_in(catalog())
    assert take_in(changed(f"{PRICE}.checked_on", "2026-09-01")) == "Changed 1 price.\n"
    assert Price.objects.get().checked_on == date(2026, 9, 1)


@pytest.mark.parametrize(
    ("told", "order"),
    [
        (["C", "A", "B"], ["C", "A", "B"]),
        (["A", "New", "B", "C"], ["A", "New", "B", "C"]),
        (["C", "A"], ["C", "B", "A"]),  # B stays where it is
        (["C"], ["A", "B", "C"]),
        (["New", "B"], ["A", "New", "C", "B"]),
    ],
)
@pytest.mark.django_db
def test_plans_stand_in_the_order_given_and_those_left_out_stay_in_place(told, order, take_in):
    def plans(labels):
        return [{"label": label, "kind": "free"} for label in labels]

    take_in(changed("tools.0.plans", plans(["A", "B", "C"])))
    document = changed("tools.0.plans", plans(told))
    take_in(document)
    assert [plan.label for plan in Tool.objects.get(slug="anvil").plans.all()] == order
    assert take_in(document) == "Nothing to change.\n"


@pytest.mark.django_db
def test_a_pair_given_in_the_other_order_turns_its_comparison_round(take_in):
    take_in(catalog())
    document = catalog()
    document["comparisons"] = [{"left": "bellows", "right": "anvil"}]
    assert take_in(document) == "Changed 1 comparison.\n"
    comparison = Comparison.objects.get()
    assert (comparison.left.slug, comparison.right.slug) == ("bellows", "anvil")
    assert comparison.summary == "Weight or *air*."


@pytest.mark.django_db
def test_a_status_that_is_left_out_stays_and_one_that_is_given_counts(take_in):
    take_in(changed("tools.0.status", "draft"))
    assert Tool.objects.get(slug="anvil").published_at is None
    take_in(without("tools.0.status"))
    assert Tool.objects.get(slug="anvil").status == "draft"
    take_in(changed("tools.0.status", "published"))
    assert Tool.objects.get(slug="anvil").published_at is not None
    take_in(changed("tools.0.status", "withdrawn"))
    assert Tool.objects.get(slug="anvil").status == "withdrawn"


@pytest.mark.django_db
def test_a_schedule_is_told_with_its_minute_and_stays_where_nothing_is_said_of_it(take_in):
    later = (timezone.now() + timedelta(days=3)).replace(microsecond=0)
    scheduled = changed("tools.0.status", "scheduled")
    scheduled["tools"][0]["published_at"] = later.isoformat()
    take_in(scheduled)
    assert take_in(scheduled) == "Nothing to change.\n"
    del scheduled["tools"][0]["status"], scheduled["tools"][0]["published_at"]
    assert take_in(scheduled) == "Nothing to change.\n"
    tool = Tool.objects.get(slug="anvil")
    assert (tool.status, tool.published_at) == ("scheduled", later)
    take_in(changed("tools.0.status", "published"))
    assert Tool.objects.published().filter(slug="anvil").exists()


@pytest.mark.parametrize("status", ["draft", "in_review"])
@pytest.mark.django_db
def test_what_readers_have_seen_cannot_be_called_unpublished_again(status, take_in, refusal):
    take_in(catalog())
    document = changed("tools.0.status", status)
    document["tools"][0]["reviews"][0]["status"] = status
    document["comparisons"][0]["status"] = status
    words = f"What is published cannot become {status.replace('_', ' ')}."
    assert refusal(document) == [
        f"tools[0].status: {words}",
        f"tools[0].reviews[0].status: {words}",
        f"comparisons[0].status: {words}",
    ]


@pytest.mark.django_db
def test_each_step_of_a_history_has_to_follow_the_one_before(refusal):
    history = [
        review("builder"),
        review("skeptic"),
        review("builder", verdict="skip", status="draft"),
    ]
    document = changed("tools.0.reviews", history)
    document["tools"][1]["reviews"] = [review("builder"), review("builder", status="in_review")]
    assert refusal(document) == [
        "tools[0].reviews[2].status: What is published cannot become draft.",
        "tools[1].reviews[1].status: What is published cannot become in review.",
    ]


@pytest.mark.django_db
def test_a_misstep_is_told_beside_what_else_is_wrong_with_the_tool(refusal):
    document = changed("tools.0.reviews", [review("builder"), review("builder", status="draft")])
    document["tools"][0]["reviews"].append(review("skeptic", score=140))
    assert refusal(document) == [
        "tools[0].reviews[2].score: 140 is not between 0 and 100",
        "tools[0].reviews[1].status: What is published cannot become draft.",
    ]


@pytest.mark.django_db
def test_a_history_that_ends_where_its_review_cannot_go_at_once_is_refused(take_in, refusal):
    take_in(changed("tools.0.reviews", [review("builder")]))
    history = [
        review("builder"),
        review("builder", status="withdrawn", reason="Too old."),
        review("builder", status="draft", body="Anew."),
    ]
    assert refusal(changed("tools.0.reviews", history)) == [
        "tools[0].reviews[2].status: What is published cannot become draft."
    ]


@pytest.mark.django_db
def test_a_history_from_draft_to_withdrawn_is_taken_in_step_by_step(take_in):
    history = [
        review("builder", status="draft"),
        review("builder", status="published"),
        review("builder", status="withdrawn", reason="Too old."),
    ]
    document = changed("tools.0.reviews", history)
    take_in(document)
    assert list(Revision.objects.values_list("status", flat=True)) == [
        "draft",
        "published",
        "withdrawn",
    ]
    assert take_in(document) == "Nothing to change.\n"


@pytest.mark.django_db
def test_an_exported_history_from_draft_to_published_is_published_where_it_is_taken_in(take_in):
    history = [review("builder", status="draft"), review("builder", status="published")]
    take_in(changed("tools.0.reviews", history))
    exported = call_and_read("export_catalog", "--history")
    Comparison.objects.all().delete()
    Tool.objects.all().delete()
    take_in(json.loads(exported))
    assert Review.objects.get().status == "published"
    assert call_and_read("export_catalog", "--history") == exported


@pytest.mark.parametrize("kind", ["review", "tool"])
@pytest.mark.django_db
def test_what_somebody_publishes_between_check_and_writing_is_refused_by_name(kind, take_in):
    document = catalog()
    document["tools"][0]["status"] = "draft"
    document["tools"][0]["reviews"] = [review("builder", status="draft")]
    take_in(document)
    of_tool = document["tools"][0]
    (of_tool if kind == "tool" else of_tool["reviews"][0])["status"] = "in_review"

    def watch(items, what):
        if what == "Importing tools":
            tool = Tool.objects.get(slug="anvil")
            row = tool if kind == "tool" else tool.reviews.get()
            row.become(Status.PUBLISHED)
            row.save()
        return items

    with pytest.raises(RefusedError) as refused:
        import_document(document, Changes(), watch=watch)
    name = "tool anvil" if kind == "tool" else "review anvil/builder"
    assert refused.value.problems == [
        f"{name}: What is published cannot become in review. Somebody has moved it meanwhile."
    ]


@pytest.mark.parametrize(
    ("status", "published_at", "problem"),
    [
        ("scheduled", None, "what is scheduled needs its published_at"),
        ("draft", "2026-12-01T09:00:00Z", "only what is scheduled has a published_at"),
    ],
)
@pytest.mark.django_db
def test_what_is_scheduled_and_nothing_else_says_from_when_on(
    status, published_at, problem, refusal
):
    document = changed("tools.0.status", status)
    if published_at:
        document["tools"][0]["published_at"] = published_at
    assert refusal(document) == [f"tools[0]: {problem}"]


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_tools(take_in):
    def tools(numbers):
        one = catalog()["tools"][0]
        names = [f"{one['slug']}-{number}" for number in numbers]
        return catalog() | {"tools": [one | {"slug": name} for name in names], "comparisons": []}

    def queries(document):
        count = 0

        def watch(execute, *arguments):
            nonlocal count
            count += 1
            return execute(*arguments)

        with connection.execute_wrapper(watch):
            take_in(document)
        return count

    take_in(catalog())
    assert queries(tools(range(2))) == queries(tools(range(10, 50)))


@pytest.mark.django_db
def test_rows_are_locked_in_the_order_in_which_every_writer_locks_them(take_in):
    take_in(catalog())
    document = catalog()
    document["tools"][0]["plans"].reverse()
    with CaptureQueriesContext(connection) as queries:
        take_in(document)
    locks = [query["sql"] for query in queries if "FOR NO KEY UPDATE" in query["sql"]]
    assert any('FROM "tools_plan"' in lock for lock in locks)
    assert [lock for lock in locks if not re.search(r'ORDER BY (1|"\w+"\."id") ASC', lock)] == []
