"""The front page of the desk says what there is to do, and leads to where it is mended."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from reviews.publishing import move_review, move_tool
from reviews.writing import Statement, record_reviews
from tests import cast
from tools.status import Status

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=1)


def draft(slug="draft"):
    tool = cast.make_tool(slug, status=Status.DRAFT)
    record_reviews(
        Statement(tool.pk, persona, "ship", 50, "Because.", status=Status.DRAFT)
        for persona in ("builder", "skeptic", "futurist", "founder")
    )
    return tool


def log_in(site, group):
    user = User.objects.create(username=group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    site.client.force_login(user)


@pytest.fixture
def desk(site):
    """The front page's sections, as an editor sees them now."""
    log_in(site, "Editor")
    return lambda: Desk(site.get("/admin/"))


class Desk:
    def __init__(self, page):
        self.page = page

    def lines(self, key):
        return self.page.all(f"#desk-{key} .desk-line")

    def names(self, key):
        return self.page.all(f"#desk-{key} .desk-line-name a")

    def links(self, key):
        return self.page.links(f"#desk-{key} a")

    def text(self, key):
        return self.page.one(f"#desk-{key}")


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("due", "Nothing is scheduled."),
        ("waiting", "Nothing waits for review."),
        ("incomplete", "Every tool has four verdicts."),
        ("stale", "Every price was checked in the last 90 days."),
        ("unindexable", "Search engines may list every published comparison."),
        ("flipped", "No verdict flipped this week."),
        ("acts", "Nothing has been published yet."),
    ],
)
def test_an_empty_section_says_so(desk, key, sentence):
    assert sentence in desk().text(key)


def test_a_scheduled_tool_is_due_once_and_not_with_each_of_its_reviews(desk):
    tool = draft()
    move_tool(tool, Status.SCHEDULED, at=timezone.now() + LATER)
    assert desk().names("due") == ["Draft"]
    assert desk().links("due") == [
        f"/admin/tools/tool/{tool.pk}/change/",
        "/admin/tools/tool/?stage=scheduled",
    ]


def test_what_is_due_comes_in_the_order_of_its_minute(desk):
    for number in (3, 1, 2):
        tool = draft(f"tool-{number}")
        move_tool(tool, Status.SCHEDULED, at=timezone.now() + number * LATER)
    assert desk().names("due") == ["Tool 1", "Tool 2", "Tool 3"]


def test_what_waits_for_review_is_there_with_its_kind(desk):
    waiting = draft()
    move_tool(waiting, Status.IN_REVIEW)
    lone = draft("lone")
    move_review(lone.reviews.get(persona="founder"), Status.IN_REVIEW)
    cast.compare(cast.alpha(), cast.beta(), status=Status.IN_REVIEW)
    assert desk().page.all("#desk-waiting .desk-line-name") == [
        "Draft tool",
        "Founder on Lone review",
        "Alpha vs Beta comparison",
    ]
    assert "/admin/reviews/review/?stage=in_review&moves=alone" in desk().links("waiting")


def test_a_tool_with_fewer_than_four_verdicts_says_which_are_missing(desk):
    cast.alpha()
    cast.gamma()
    (line,) = desk().lines("incomplete")
    assert "Missing: Founder" in line
    assert desk().page.tree.cssselect("#desk-incomplete .panel-strip")


def test_a_withdrawn_verdict_is_missing_and_a_withdrawn_tool_misses_nothing(desk):
    tool = cast.alpha()
    move_review(tool.reviews.get(persona="founder"), Status.WITHDRAWN, reason="It was wrong.")
    assert desk().names("incomplete") == ["Alpha"]
    move_tool(tool, Status.WITHDRAWN)
    assert desk().names("incomplete") == []


def test_tools_whose_price_nobody_looked_up_for_90_days_come_oldest_first(desk):
    today = timezone.localdate()
    for slug, days in (("fresh", 90), ("older", 200), ("stale", 91)):
        day = today - timedelta(days=days)
        cast.check_price(cast.make_tool(slug), effective_on=day, checked_on=day)
    assert desk().names("stale") == ["Older", "Stale"]


def test_a_price_that_was_replaced_is_not_stale(desk):
    plan = cast.check_price(cast.make_tool("tool"), effective_on=date(2020, 1, 1))
    plan.prices.update(checked_on=date(2020, 1, 1))
    assert desk().names("stale") == ["Tool"]
    plan.prices.create(amount="12.00")
    assert desk().names("stale") == []


def test_a_published_comparison_says_what_keeps_it_out_of_search_engines(desk):
    cast.compare(cast.alpha(), cast.gamma(), summary="")
    (line,) = desk().lines("unindexable")
    assert "Gamma has 3 of its 4 reviews." in line
    assert "No editor’s text says what separates them." in line
    assert "/admin/comparisons/comparison/?indexable=no" in desk().links("unindexable")


def test_a_verdict_that_flipped_this_week_is_told_with_its_reason(desk):
    tool = cast.alpha()
    record_reviews(
        [Statement(tool.pk, "founder", "skip", 30, "Dear.", reason="The price doubled.")]
    )
    (line,) = desk().lines("flipped")
    assert "Founder on Alpha" in line
    assert "Ship → Skip. The price doubled." in line


def test_the_latest_acts_lead_to_what_was_moved(desk):
    tool = draft()
    move_tool(tool, Status.PUBLISHED, by=None)
    assert any(line.startswith("Draft published") for line in desk().lines("acts"))
    assert f"/admin/tools/tool/{tool.pk}/change/" in desk().links("acts")


def test_ten_lines_are_shown_and_all_are_counted_with_their_list(desk, site):
    for number in range(12):
        cast.make_tool(f"tool-{number}")
    assert len(desk().lines("incomplete")) == 10
    assert "Tools: 12" in desk().text("incomplete")
    assert len(site.get("/admin/tools/tool/?missing=any").tree.cssselect("#result_list tr")) == 13


def test_sections_and_lists_that_a_user_may_not_see_are_absent(site):
    user = User.objects.create(username="guest", is_staff=True)
    site.client.force_login(user)
    page = site.get("/admin/")
    assert not page.all(".desk-section")
    assert "Your account may not see anything yet." in page.text
    user.user_permissions.add(
        *Group.objects.get(name="Author").permissions.filter(codename="view_tool")
    )
    page = site.get("/admin/")
    keys = [section.get("id") for section in page.tree.cssselect(".desk-section")]
    assert keys == ["desk-due", "desk-waiting"]
    assert page.all(".desk-everything li") == ["Tools"]
    assert not page.all(".desk-links li")


def test_the_lists_stand_in_our_order_under_our_words(admin_user, site):
    site.client.force_login(admin_user)
    assert site.get("/admin/").all(".desk-everything li > a:first-child")[:13] == [
        "Tools", "Reviews", "Comparisons", "Plans", "Vendors", "Categories", "Editions",
        "Subscribers", "Deliveries", "Suppressions", "Kept mails", "Acts", "Accounts",
    ]  # fmt: skip


def test_every_page_leads_to_the_lists_of_every_day_and_to_the_one_it_is_about(admin_user, site):
    site.client.force_login(admin_user)
    every_day = ["Desk", "Tools", "Reviews", "Comparisons", "Editions", "Subscribers", "Votes"]
    assert site.get("/admin/").all(".desk-nav li") == [*every_day, "Everything"]
    vendors = site.get("/admin/tools/vendor/").all(".desk-nav li")
    assert vendors == [*every_day[:4], "Vendors", *every_day[4:], "Everything"]


def test_the_front_page_costs_the_same_however_much_there_is(desk, site, django_assert_num_queries):
    def fill(numbers):
        alpha = cast.make_tool(f"first-{numbers[0]}")
        for number in numbers:
            other = cast.gamma() if number == 0 else cast.make_tool(f"tool-{number}")
            cast.check_price(other)
            other.plans.get().prices.update(checked_on=date(2020, 1, 1))
            cast.compare(alpha, other)
            move_tool(draft(f"draft-{number}"), Status.IN_REVIEW)
            record_reviews([Statement(other.pk, "builder", "ship", 80, "Good.")])
            record_reviews([Statement(other.pk, "builder", "skip", 20, "Bad.", reason="New.")])

    fill(range(2))
    desk()  # whether there is anything for the digest to tell is remembered for a while
    with django_assert_num_queries(21):
        site.get("/admin/")
    fill(range(2, 14))
    with django_assert_num_queries(21):
        site.get("/admin/")
