"""The editors' admin keeps the promises of the catalog."""

import pytest

from comparisons.models import Comparison
from reviews.models import Review
from tests import cast
from tools.models import Price

pytestmark = pytest.mark.django_db


def form_of(answer):
    """The fields of the page's form as a browser would send them back."""
    fields = {}
    for form in [answer.context["adminform"].form, *answer.context["inline_admin_formsets"]]:
        forms = (
            [form]
            if not hasattr(form, "formset")
            else [form.formset.management_form, *form.formset.forms]
        )
        for part in forms:
            fields |= {
                bound.html_name: bound.value() for bound in part if bound.value() is not None
            }
            fields |= {
                bound.html_initial_name: part.data.get(bound.html_initial_name, bound.initial)
                for bound in part
                if bound.field.show_hidden_initial
            }
    return fields


def test_saving_a_review_adds_a_revision_and_refreshes_the_panel(admin_client):
    tool = cast.alpha()
    review = tool.reviews.get(persona="founder")
    address = f"/admin/reviews/review/{review.pk}/change/"
    fields = form_of(admin_client.get(address)) | {"verdict": "skip", "reason": "It became dear."}
    assert admin_client.post(address, fields).status_code == 302
    assert [revision.verdict for revision in review.revisions.all()] == ["ship", "skip"]
    tool.refresh_from_db()
    assert tool.panel.cells == "sssx"


def test_a_new_review_is_found_under_its_persona(admin_client):
    tool = cast.delta()
    fields = {
        "tool": tool.pk, "persona": "builder", "verdict": "ship", "score": "84",
        "body": "It works.", "evidence": "tested", "reviewed_on": "2026-11-20", "reason": "",
        "revisions-TOTAL_FORMS": 0, "revisions-INITIAL_FORMS": 0,
    }  # fmt: skip
    answer = admin_client.post("/admin/reviews/review/add/", fields)
    assert answer.status_code == 302
    assert Review.objects.get(tool=tool).body_html == "<p>It works.</p>"


def test_a_changed_verdict_asks_for_its_own_reason(admin_client):
    review = cast.alpha().reviews.get(persona="founder")
    address = f"/admin/reviews/review/{review.pk}/change/"
    fields = form_of(admin_client.get(address))
    first = fields | {"verdict": "skip", "score": "20", "reason": "It became dear."}
    assert admin_client.post(address, first).status_code == 302
    again = form_of(admin_client.get(address)) | {"verdict": "ship"}
    assert not again["reason"]
    assert "Say why the verdict changed." in admin_client.post(address, again).content.decode()
    assert review.revisions.count() == 2


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("reviewed_on", "2999-01-01", "This day has not come yet."),
        ("score", "101", "less than or equal to 100"),
        ("score", "-1", "greater than or equal to 0"),
        ("body", "", "This field is required"),
        ("verdict", "maybe", "is not one of the available choices"),
    ],
)
def test_a_wrong_review_comes_back_with_the_complaint(admin_client, field, value, complaint):
    review = cast.alpha().reviews.get(persona="founder")
    address = f"/admin/reviews/review/{review.pk}/change/"
    answer = admin_client.post(address, form_of(admin_client.get(address)) | {field: value})
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert review.revisions.count() == 1


def test_a_second_review_of_one_persona_is_refused_beside_the_form(admin_client):
    tool = cast.alpha()
    fields = {
        "tool": tool.pk, "persona": "builder", "verdict": "skip", "body": "Again.",
        "evidence": "tested", "reviewed_on": "2026-11-20",
        "revisions-TOTAL_FORMS": 0, "revisions-INITIAL_FORMS": 0,
    }  # fmt: skip
    answer = admin_client.post("/admin/reviews/review/add/", fields)
    assert "This persona has reviewed this tool already." in answer.content.decode()


def test_a_recorded_price_keeps_its_amount_whatever_the_form_says(admin_client):
    plan = cast.add_plan(cast.delta(), "Pro", "subscription", "20")
    address = f"/admin/tools/plan/{plan.pk}/change/"
    fields = form_of(admin_client.get(address))
    fields |= {"prices-0-amount": "5", "prices-0-checked_on": "2026-11-20"}
    assert admin_client.post(address, fields).status_code == 302
    price = Price.objects.get()
    assert (price.amount, price.checked_on.day) == (20, 20)


def test_a_tool_against_itself_is_refused_beside_the_form(admin_client):
    tool = cast.alpha()
    fields = {"left": tool.pk, "right": tool.pk, "status": "published", "summary": "x"}
    answer = admin_client.post("/admin/comparisons/comparison/add/", fields)
    assert "A tool is not compared with itself." in answer.content.decode()


def test_publishing_needs_no_date(admin_client):
    tool = cast.make_tool("draft", status="draft")
    cast.review(tool, "ship ship ship ship")
    address = f"/admin/tools/tool/{tool.pk}/change/"
    fields = form_of(admin_client.get(address)) | {"_move": "published"}
    assert admin_client.post(address, fields).status_code == 302
    fields = {"left": tool.pk, "right": cast.alpha().pk, "_move": "published", "summary": "x"}
    assert admin_client.post("/admin/comparisons/comparison/add/", fields).status_code == 302
    assert admin_client.get("/compare/draft-vs-alpha/").status_code == 200


@pytest.mark.parametrize(
    ("day", "complaint"),
    [("", "Say from when on readers should see it."), ("2020-01-01", "This minute has passed.")],
)
def test_a_schedule_that_cannot_be_kept_returns_the_page_as_entered(admin_client, day, complaint):
    tool = cast.make_tool("draft", status="draft")
    cast.review(tool, "ship ship ship ship")
    address = f"/admin/tools/tool/{tool.pk}/change/"
    entered = {"_move": "scheduled", "move-at_0": day, "move-at_1": day and "09:00:00"}
    entered |= {"tagline": "A new line", "move-reason": "It is time."}
    page = admin_client.post(address, form_of(admin_client.get(address)) | entered)
    assert complaint in page.context["move_form"].errors["at"][0]
    html = page.content.decode()
    assert complaint in html[html.index("Appears at") :]
    for value in ("A new line", "It is time.", day):
        assert f'value="{value}"' in html
    tool.refresh_from_db()
    assert tool.tagline != "A new line"
    assert tool.stage == "draft"


def test_what_is_entered_for_a_move_outlasts_a_mistake_elsewhere(admin_client):
    fields = {"summary": "", "move-at_0": "2999-01-01", "move-at_1": "09:00:00"}
    page = admin_client.post("/admin/comparisons/comparison/add/", fields)
    assert 'value="2999-01-01"' in page.content.decode()


def test_a_move_that_is_none_saves_nothing(admin_client):
    fields = {"left": cast.delta().pk, "right": cast.alpha().pk, "summary": "x"}
    fields |= {"_move": "elsewhere"}
    page = admin_client.post("/admin/comparisons/comparison/add/", fields)
    assert "Not saved and not moved yet." in page.content.decode()
    assert not Comparison.objects.exists()


def test_saving_a_review_as_it_is_adds_no_revision(admin_client):
    review = cast.delta_with("First.\n\nSecond.")
    address = f"/admin/reviews/review/{review.pk}/change/"
    fields = form_of(admin_client.get(address))
    fields["body"] = fields["body"].replace("\n", "\r\n")  # as browsers send it
    assert admin_client.post(address, fields).status_code == 302
    assert review.revisions.count() == 1


def test_a_plan_with_prices_cannot_be_deleted_with_the_tools_form(admin_client):
    plan = cast.add_plan(cast.delta(), "Pro", "subscription", "20")
    address = f"/admin/tools/tool/{plan.tool_id}/change/"
    fields = form_of(admin_client.get(address)) | {"plans-0-DELETE": "on"}
    assert admin_client.post(address, fields).status_code == 302
    assert Price.objects.filter(plan=plan).exists()


@pytest.mark.parametrize("slug", ["a-vs-b", "vs-b", "a-vs", "Upper", "two--hyphens", "ümlaut"])
def test_a_slug_that_would_be_ambiguous_is_refused_beside_its_field(admin_client, slug):
    fields = {"slug": slug, "name": "A vendor", "website": ""}
    answer = admin_client.post("/admin/tools/vendor/add/", fields)
    assert answer.context["adminform"].form.errors["slug"]


@pytest.mark.parametrize(
    "room", ["tools/tool", "tools/plan", "tools/vendor", "reviews/review", "comparisons/comparison"]
)
def test_lists_cost_a_constant_number_of_queries(admin_client, django_assert_max_num_queries, room):
    alpha = cast.alpha()
    for number in range(12):
        other = cast.make_tool(f"tool-{number}", vendor=cast.make_vendor(f"vendor-{number}"))
        cast.review(other, "ship ship ship ship")
        cast.add_plan(other, "Pro", "subscription", "20")
        cast.compare(alpha, other)
    with django_assert_max_num_queries(9):
        assert admin_client.get(f"/admin/{room}/").status_code == 200


def test_a_price_that_is_entered_again_on_its_plans_page_is_kept_once(admin_client):
    plan = cast.add_plan(cast.delta(), "Pro", "subscription", "20", checked_on="2026-11-01")
    address = f"/admin/tools/plan/{plan.pk}/change/"
    new = {
        "prices-TOTAL_FORMS": 2, "prices-1-amount": "25", "prices-1-currency": "USD",
        "prices-1-period": "month", "prices-1-unit": "", "prices-1-source_url": "",
        "prices-1-effective_on": "2026-11-20", "prices-1-checked_on": "2026-11-20",
    }  # fmt: skip
    first = form_of(admin_client.get(address)) | new
    for _ in range(2):
        assert admin_client.post(address, first).status_code == 302
    assert [price.amount for price in plan.prices.all()] == [20, 25]
    assert plan.prices.last().plan == plan


def test_a_new_plan_is_saved_with_its_first_price(admin_client):
    tool = cast.delta()
    add = "/admin/tools/plan/add/"
    fields = form_of(admin_client.get(add)) | {
        "tool": tool.pk, "label": "Pro", "kind": "subscription",
        "prices-TOTAL_FORMS": 1, "prices-0-amount": "25", "prices-0-currency": "USD",
        "prices-0-period": "month", "prices-0-effective_on": "2026-11-20",
        "prices-0-checked_on": "2026-11-20",
    }  # fmt: skip
    assert admin_client.post(add, fields).status_code == 302
    assert tool.plans.get().prices.get().amount == 25
