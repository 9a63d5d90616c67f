"""A tool on one screen of the desk: facts, plans, four reviews, and what is missing."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from reviews.models import Review
from tests import cast
from tests.conftest import Page
from tests.shiporskip.test_admin import form_of
from tools.models import Plan, Price, Tool
from tools.status import Status

pytestmark = pytest.mark.django_db


def draft(**facts):
    return cast.make_tool("draft", status=Status.DRAFT, **facts)


def address(tool):
    return f"/admin/tools/tool/{tool.pk}/change/"


def member(client, group):
    user = User.objects.create(username=group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return client


def say(persona, **said):
    """What a browser sends of a persona's column."""
    said = {"evidence": "tested", "reviewed_on": "2026-11-20"} | said
    return {f"reviews-{persona}-{name}": value for name, value in said.items()}


def save(client, tool, changes):
    return client.post(address(tool), form_of(client.get(address(tool))) | changes)


def refused(answer):
    """The page that came back, with what is wrong in it."""
    assert answer.status_code == 200
    return Page(answer)


# The four reviews


def test_the_four_personas_stand_in_their_order_also_for_a_new_tool(admin_client):
    for page in (address(draft()), "/admin/tools/tool/add/"):
        found = Page(admin_client.get(page))
        assert found.all(".persona > legend") == ["Builder", "Skeptic", "Futurist", "Founder"]


def test_verdicts_of_a_draft_are_written_as_drafts_with_who_wrote_them(client):
    tool = draft()
    changes = say("builder", verdict="ship", score="84", body="It works.") | say(
        "founder", verdict="skip", score="", body="Who *pays*?"
    )
    assert save(member(client, "Author"), tool, changes).status_code == 302
    builder, founder = tool.reviews.order_by("persona")
    assert (builder.persona, builder.verdict, builder.score) == ("builder", "ship", 84)
    assert (founder.body_html, founder.score) == ("<p>Who <em>pays</em>?</p>", None)
    assert {review.status for review in (builder, founder)} == {Status.DRAFT}
    assert builder.revisions.get().by == "author"


def test_a_new_tool_is_saved_with_its_plan_price_and_verdicts_in_one_go(admin_client):
    category, vendor = cast.make_category(), cast.make_vendor("acme")
    add = "/admin/tools/tool/add/"
    fields = form_of(admin_client.get(add)) | {
        "name": "New", "slug": "new", "vendor": vendor.pk, "category": category.pk,
        "plans-0-label": "Pro", "plans-0-kind": "subscription", "plans-0-amount": "20",
    }  # fmt: skip
    for persona in ("builder", "skeptic", "futurist", "founder"):
        fields |= say(persona, verdict="ship", body="Because.")
    assert admin_client.post(add, fields | {"_move": "published"}).status_code == 302
    tool = Tool.objects.get(slug="new")
    assert tool.is_public
    assert tool.panel.cells == "ssss"
    assert Price.objects.get(plan__tool=tool).amount == 20


def test_saving_without_a_change_writes_no_revision(admin_client):
    tool = cast.alpha()
    fields = form_of(admin_client.get(address(tool)))
    for name in [name for name in fields if name.endswith("-body")]:
        fields[name] = fields[name].replace("\n", "\r\n")  # as browsers send it
    assert admin_client.post(address(tool), fields).status_code == 302
    assert [review.revisions.count() for review in tool.reviews.all()] == [1] * 4


@pytest.mark.parametrize(
    ("said", "field", "complaint"),
    [
        ({"verdict": "ship"}, "body", "A verdict needs its argument."),
        ({"body": "It works."}, "verdict", "Ship or skip? An argument needs its verdict."),
        ({"verdict": "ship", "body": "x", "score": "101"}, "score", "less than or equal to 100"),
        ({"verdict": "ship", "body": "x", "score": "-1"}, "score", "greater than or equal to 0"),
        ({"verdict": "ship", "body": "x", "score": "9" * 5000}, "score", "whole number"),
        ({"verdict": "maybe", "body": "x"}, "verdict", "not one of the available choices"),
        ({"verdict": "ship", "body": "x", "reviewed_on": "2999-01-01"}, "reviewed_on", "not come"),
        ({"verdict": "ship", "body": "x", "reviewed_on": "soon"}, "reviewed_on", "valid date"),
        ({"verdict": "ship", "body": "x\0"}, "body", "Null characters"),
        ({"verdict": "ship", "body": "[" * 501}, "body", "more than 500"),
    ],
)
def test_a_wrong_column_comes_back_filled_in_with_the_complaint_beside_it(
    admin_client, said, field, complaint
):
    tool = draft()
    page = refused(save(admin_client, tool, say("skeptic", **said) | {"tagline": "Kept"}))
    assert complaint in page.one(f"#skeptic .persona-field-{field} .errorlist")
    assert 'value="Kept"' in page.html
    assert not Review.objects.exists()
    assert Tool.objects.get(pk=tool.pk).tagline == "What draft is for"


def test_a_public_verdict_changes_only_with_a_reason_that_readers_see(admin_client, site):
    tool = cast.alpha()
    changes = {"reviews-founder-verdict": "skip"}
    page = refused(save(admin_client, tool, changes))
    assert page.one("#founder .persona-field-reason .errorlist") == "Say why the verdict changed."
    changes["reviews-founder-reason"] = "It became dear."
    assert save(admin_client, tool, changes).status_code == 302
    assert "It became dear." in site.get("/tools/alpha/").text


def test_wording_an_argument_anew_and_changing_a_draft_need_no_reason(admin_client):
    public, unpublished = cast.alpha(), draft()
    assert save(admin_client, public, {"reviews-founder-body": "Anew."}).status_code == 302
    save(admin_client, unpublished, say("builder", verdict="ship", body="Yes."))
    assert save(admin_client, unpublished, {"reviews-builder-verdict": "skip"}).status_code == 302
    assert unpublished.reviews.get().verdict == "skip"


def test_a_new_review_of_a_public_tool_is_a_draft_until_its_own_move(admin_client):
    tool = cast.gamma()
    answer = save(admin_client, tool, say("founder", verdict="ship", body="At last."))
    assert answer.status_code == 302
    assert tool.reviews.get(persona="founder").status == Status.DRAFT
    page = Page(admin_client.get(address(tool)))
    assert "a new review starts as a draft" in page.one(".panel-note")
    assert page.all(".tool-readiness dd") == ["Pending", "Ship"]


def test_a_review_that_was_written_meanwhile_is_no_hindrance(admin_client):
    tool = draft()
    fields = form_of(admin_client.get(address(tool)))
    save(admin_client, tool, say("builder", verdict="ship", body="First."))
    answer = admin_client.post(
        address(tool), fields | say("skeptic", verdict="skip", body="Second.")
    )
    assert answer.status_code == 302
    assert tool.reviews.get(persona="builder").body == "First."
    assert tool.reviews.get(persona="skeptic").body == "Second."


def test_two_editors_in_two_columns_do_not_hinder_each_other(admin_client):
    tool = cast.alpha()
    page = form_of(admin_client.get(address(tool)))
    first = page | say("builder", verdict="skip", body="No.", score="84", reason="It broke.")
    assert admin_client.post(address(tool), first).status_code == 302
    second = page | say("founder", verdict="skip", body="Dear.", score="72", reason="It is dear.")
    assert admin_client.post(address(tool), second).status_code == 302
    assert Tool.objects.get(pk=tool.pk).panel.cells == "xssx"


def test_two_editors_in_one_column_are_told_and_neither_loses_a_word(admin_client):
    tool = cast.alpha()
    page = form_of(admin_client.get(address(tool)))
    first = page | say("builder", verdict="ship", body="Theirs.", score="84")
    assert admin_client.post(address(tool), first).status_code == 302
    mine = page | say("builder", verdict="ship", body="Mine.", score="84")
    answer = refused(admin_client.post(address(tool), mine))
    assert "Somebody else has saved this meanwhile." in answer.text
    assert "Theirs." in answer.text
    assert "Mine." in answer.all("#builder textarea")[0]
    again = form_of(answer.answer)
    assert admin_client.post(address(tool), again).status_code == 302
    texts = list(tool.reviews.get(persona="builder").revisions.values_list("body", flat=True))
    assert texts[-2:] == ["Theirs.", "Mine."]


def test_a_standing_review_does_not_lose_its_argument(admin_client):
    page = refused(save(admin_client, cast.alpha(), {"reviews-founder-body": ""}))
    assert "A verdict needs its argument." in page.one("#founder .errorlist")


# Who may do what


def test_an_author_reads_what_is_public_and_cannot_write_it_here(client):
    tool = cast.alpha()
    author = member(client, "Author")
    page = Page(author.get(address(tool)))
    assert not page.all("textarea")
    assert not page.all("button[name=_check]")
    assert "The Founder argues about alpha." in page.text
    assert author.post(address(tool), {"name": "Mine"}).status_code == 403


def test_a_public_review_on_a_draft_is_read_only_for_an_author(client):
    tool = draft()
    cast.review(tool, "ship - - -")
    author = member(client, "Author")
    page = Page(author.get(address(tool)))
    assert not page.all("#builder textarea")
    assert page.all("#skeptic textarea")
    forged = say("builder", verdict="skip", body="Forged.", reason="Because.")
    assert (
        author.post(address(tool), form_of(author.get(address(tool))) | forged).status_code == 302
    )
    assert tool.reviews.get().verdict == "ship"


def test_a_publisher_adds_prices_on_the_plans_page_and_not_here(client):
    plan = cast.add_plan(cast.alpha(), "Team", "subscription", "50")
    publisher = member(client, "Publisher")
    page = Page(publisher.get(address(plan.tool)))
    assert not page.all(".plan input")
    assert f"/admin/tools/plan/{plan.pk}/change/" in page.links("#plans a")
    assert publisher.post(address(plan.tool), {"_check": "all"}).status_code == 403
    assert publisher.get(f"/admin/tools/plan/{plan.pk}/change/").status_code == 200


# Plans and prices


@pytest.fixture
def plan():
    old = date.today() - timedelta(days=91)
    return cast.add_plan(draft(), "Pro", "subscription", "20", checked_on=old, effective_on=old)


def test_a_new_price_is_added_and_the_old_one_stays(admin_client, plan):
    changes = {"plans-0-amount": "25", "plans-0-source_url": "example.org/pricing"}
    assert save(admin_client, plan.tool, changes).status_code == 302
    old, new = plan.prices.all()
    assert (old.amount, new.amount, new.currency, new.period) == (20, 25, "USD", "month")
    assert new.effective_on == new.checked_on == date.today()
    assert new.source_url == "https://example.org/pricing"


def test_a_price_to_come_is_shown_beside_the_current_one(admin_client, plan):
    changes = {"plans-0-amount": "25", "plans-0-effective_on": "2999-01-01"}
    save(admin_client, plan.tool, changes)
    now = Page(admin_client.get(address(plan.tool))).one(".plan-now")
    assert "USD 20.00 per month" in now
    assert "from 1 Jan 2999: USD 25" in now


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"amount": "-1"}, "greater than or equal to 0"),
        ({"amount": "much"}, "Enter a number."),
        ({"amount": "1e999"}, "no more than"),
        ({"amount": "5", "currency": "usd"}, "three capital letters"),
        ({"amount": "5", "period": "week"}, "not one of the available choices"),
        ({"amount": "5", "effective_on": "soon"}, "valid date"),
        ({"amount": "5", "source_url": "javascript:alert(1)"}, "valid URL"),
        ({"source_url": "https://example.org"}, "Say the amount of this new price, too."),
        ({"label": ""}, "This field is required."),
    ],
)
def test_a_wrong_price_comes_back_with_the_complaint_beside_it(
    admin_client, plan, changes, complaint
):
    sent = {f"plans-0-{name}": value for name, value in changes.items()}
    page = refused(
        save(admin_client, plan.tool, sent | say("builder", body="Kept", verdict="ship"))
    )
    assert complaint in " ".join(page.all(".plan .errorlist"))
    assert page.one("#id_reviews-builder-body") == "Kept"
    assert plan.prices.count() == 1


def test_checked_today_is_one_click_that_saves_the_page(admin_client, plan):
    page = Page(admin_client.get(address(plan.tool)))
    assert page.one(".plan-stale") == "checked 91 days ago: look again"
    changes = {"_check": plan.pk, "tagline": "Saved, too"}
    answer = save(admin_client, plan.tool, changes)
    assert answer.url == address(plan.tool) + "#plans"
    assert plan.prices.get().checked_on == date.today()
    assert Tool.objects.get(pk=plan.tool_id).tagline == "Saved, too"
    assert "checked today" in Page(admin_client.get(address(plan.tool))).one(".plan-now")


def test_only_the_price_that_was_checked_is_dated(admin_client, plan):
    other = cast.add_plan(plan.tool, "Team", "subscription", "50")
    assert save(admin_client, plan.tool, {"_check": plan.pk}).status_code == 302
    assert other.prices.get().checked_on == cast.DAY
    assert save(admin_client, plan.tool, {"_check": "all"}).status_code == 302
    assert other.prices.get().checked_on == date.today()


@pytest.mark.parametrize("wanted", ["0", "nobody", "9" * 40])
def test_checking_a_plan_that_is_not_there_changes_nothing(admin_client, plan, wanted):
    assert save(admin_client, plan.tool, {"_check": wanted}).status_code == 302
    assert plan.prices.get().checked_on != date.today()


def test_whoever_may_not_change_prices_has_no_button_and_dates_none(client, plan):
    user = member(client, "Author")
    group = Group.objects.get(name="Author")
    group.permissions.remove(*group.permissions.filter(codename__endswith="_price"))
    page = Page(user.get(address(plan.tool)))
    assert not page.all("button[name=_check]")
    assert not page.all("#id_plans-0-amount")
    save(user, plan.tool, {"_check": plan.pk, "plans-0-amount": "1"})
    assert plan.prices.get().checked_on != date.today()


def test_a_plan_is_added_without_javascript(admin_client):
    tool = draft()
    save(admin_client, tool, {"plans-0-label": "Free tier", "plans-0-kind": "free"})
    assert Plan.objects.get(tool=tool).label == "Free tier"
    assert not Price.objects.exists()


# What is missing


def test_what_is_missing_leads_to_where_it_is_mended(admin_client):
    tool = draft(tagline="", description="")
    cast.review(tool, "ship - ship ship")
    page = Page(admin_client.get(address(tool)))
    assert page.links(".tool-needs a") == ["#skeptic"]
    assert page.links(".tool-readiness ul a") == [
        "#skeptic", "#id_tagline", "#id_description", "#id_website", "#plans",
    ]  # fmt: skip
    for place in page.links(".tool-readiness a"):
        assert page.tree.cssselect(place), place


def test_the_screen_costs_a_constant_number_of_queries(admin_client, django_assert_max_num_queries):
    tool = cast.alpha()
    for number in range(12):
        plan = cast.add_plan(tool, f"Plan {number}", "subscription", "20")
        Price.objects.create(plan=plan, amount=30)
        other = cast.make_tool(f"tool-{number}", vendor=cast.make_vendor(f"vendor-{number}"))
        cast.review(other, "ship ship ship ship")
    with django_assert_max_num_queries(18):
        page = Page(admin_client.get(address(tool)))
    assert len(page.tree.cssselect("#id_vendor option")) <= 2


# The preview of Markdown


def preview(client, text):
    return client.post(reverse("markdown-preview"), {"text": text})


def test_a_preview_is_what_readers_get(admin_client):
    answer = preview(admin_client, "**Bold** <script>alert(1)</script>")
    assert answer.content.decode() == "<p><strong>Bold</strong> </p>"


def test_a_text_that_cannot_be_saved_is_told_in_a_sentence(admin_client):
    answer = preview(admin_client, "x" * 20_001)
    assert answer.status_code == 422
    assert answer.content.decode().startswith("It has 20001 characters")


def test_a_preview_is_for_those_who_write(client, admin_client):
    address = reverse("markdown-preview")
    assert admin_client.get(address).status_code == 405
    client.logout()
    assert preview(client, "x").status_code == 302
    reader = User.objects.create(username="reader", is_staff=True)
    client.force_login(reader)
    assert preview(client, "x").status_code == 403
    assert preview(member(client, "Author"), "x").status_code == 200


@pytest.mark.parametrize(
    "page", ["tools/tool", "tools/category", "reviews/review", "comparisons/comparison"]
)
def test_every_text_in_markdown_has_a_preview(admin_client, page):
    found = Page(admin_client.get(f"/admin/{page}/add/"))
    texts = found.tree.cssselect("textarea")
    assert texts
    assert {text.get("data-preview") for text in texts} == {"/admin/markdown/"}
