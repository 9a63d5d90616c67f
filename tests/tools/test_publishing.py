"""What moves from draft to published and beyond, who may move it, and what the database refuses."""

from datetime import timedelta
from itertools import product

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, ProgrammingError, transaction
from django.db.models import F
from django.utils import timezone

from comparisons.models import Comparison
from comparisons.pictures import picture_of_tool
from reviews.models import Panel, PanelPeriod, Review, Revision
from reviews.publishing import move_review, move_tool, readiness
from reviews.writing import Statement, record_reviews
from tests import cast
from tools import publishing
from tools.models import Act, Tool
from tools.status import MOVES, Status

pytestmark = pytest.mark.django_db

LATER = timedelta(days=1)


def member(group):
    user = User.objects.create(username=group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


def draft(slug="draft", verdicts="ship ship skip ship"):
    """A tool with a whole panel that nobody has published."""
    tool = cast.make_tool(slug, status=Status.DRAFT)
    for persona, verdict in zip(
        ("builder", "skeptic", "futurist", "founder"), verdicts.split(), strict=True
    ):
        if verdict != "-":
            record_reviews(
                [Statement(tool.pk, persona, verdict, 50, "Because.", status=Status.DRAFT)]
            )
    return tool


def at_stage(status):
    """A tool that has come so far by the moves there are."""
    tool = draft()
    for to in {
        Status.DRAFT: [],
        Status.IN_REVIEW: [Status.IN_REVIEW],
        Status.SCHEDULED: [Status.SCHEDULED],
        Status.PUBLISHED: [Status.PUBLISHED],
        Status.WITHDRAWN: [Status.PUBLISHED, Status.WITHDRAWN],
    }[status]:
        move_tool(tool, to, at=timezone.now() + LATER)
    return tool


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_a_tool_makes_the_moves_there_are_and_no_other(before, after):
    tool = at_stage(before)
    if after == before or after in MOVES[before]:
        move_tool(tool, after, at=timezone.now() + LATER)
        assert Tool.objects.get(pk=tool.pk).stage == after
    else:
        with pytest.raises(ValidationError):
            move_tool(tool, after, at=timezone.now() + LATER)
        assert Tool.objects.get(pk=tool.pk).stage == before


@pytest.mark.parametrize("make", [lambda: at_stage(Status.PUBLISHED), cast.alpha])
def test_the_database_itself_refuses_a_move_that_does_not_exist(make):
    tool = make()
    for rows in (Tool.objects.filter(pk=tool.pk), Review.objects.filter(tool=tool)):
        with pytest.raises(IntegrityError, match="cannot become"), transaction.atomic():
            rows.update(status=Status.DRAFT)
    comparison = cast.compare(tool, cast.beta())
    with pytest.raises(IntegrityError), transaction.atomic():
        Comparison.objects.filter(pk=comparison.pk).update(status=Status.IN_REVIEW)


def test_what_readers_see_cannot_be_put_off():
    tool = at_stage(Status.PUBLISHED)
    with pytest.raises(IntegrityError, match="put off"), transaction.atomic():
        Tool.objects.filter(pk=tool.pk).update(published_at=timezone.now() + LATER)


def test_a_tool_is_published_together_with_its_panel(site):
    tool = draft()
    site.get("/tools/draft/", status=404)
    move_tool(tool, Status.PUBLISHED)
    assert "Because." in site.get("/tools/draft/").text
    assert Panel.objects.get(tool=tool).cells == "ssxs"


@pytest.mark.parametrize("to", [Status.PUBLISHED, Status.SCHEDULED])
def test_a_tool_without_its_whole_panel_cannot_appear(to):
    tool = draft(verdicts="ship - skip -")
    with pytest.raises(ValidationError) as refused:
        move_tool(tool, to, at=timezone.now() + LATER)
    assert refused.value.messages == [
        "The Skeptic’s verdict is missing.",
        "The Founder’s verdict is missing.",
    ]
    assert Tool.objects.get(pk=tool.pk).stage == Status.DRAFT


def test_what_would_help_a_tool_is_named_beside_what_it_needs():
    tool = cast.make_tool("bare", status=Status.DRAFT, tagline="", description="")
    found = readiness(Tool.objects.for_desk().get(pk=tool.pk))
    assert len(found.needs) == 4
    assert [sentence.split(".")[0] for sentence in found.would_help] == [
        "A tagline, which answers “Best for”", "A description", "Its website", "A plan",
    ]  # fmt: skip


@pytest.mark.parametrize("at", [None, timedelta(minutes=-1)])
def test_a_schedule_needs_a_minute_that_lies_ahead(at):
    tool = draft()
    with pytest.raises(ValidationError) as refused:
        move_tool(tool, Status.SCHEDULED, at=at and timezone.now() + at)
    assert "published_at" in refused.value.message_dict


def test_what_is_scheduled_appears_at_its_minute_by_itself(site):
    tool, other = draft(), cast.alpha()
    minute = timezone.now() + LATER
    move_tool(tool, Status.SCHEDULED, at=minute)
    site.get("/tools/draft/", status=404)
    assert not Tool.objects.published(minute - timedelta(seconds=1)).filter(slug="draft").exists()
    assert Tool.objects.published(minute).filter(slug="draft").exists()
    assert Review.objects.published(minute).filter(tool=tool).count() == 4
    comparison = cast.compare(other, tool, status=Status.DRAFT)
    publishing.move(comparison, Status.SCHEDULED, at=minute)
    assert not Comparison.objects.published().exists()
    assert Comparison.objects.published(minute).exists()


def test_a_scheduled_verdict_changes_the_panel_at_its_minute(site):
    tool = cast.gamma()
    statement = Statement(
        tool.pk, "founder", "ship", 70, "At last.",
        status=Status.SCHEDULED, published_at=timezone.now() + LATER,
    )  # fmt: skip
    record_reviews([statement])
    assert "At last." not in site.get("/tools/gamma/").text
    assert Panel.objects.get(tool=tool).cells == "sxs-"
    let_time_pass(LATER)
    assert "At last." in site.get("/tools/gamma/").text
    assert Panel.objects.get(tool=tool).cells == "sxss"


def let_time_pass(span):
    """Move every moment back by so much, as if the clock had moved on."""
    PanelPeriod.objects.update(since=F("since") - span, until=F("until") - span)
    Review.objects.update(published_at=F("published_at") - span)
    Revision.objects.update(public_from=F("public_from") - span)


def test_a_scheduled_verdict_that_is_taken_back_never_becomes_public():
    tool = cast.gamma()
    minute = timezone.now() + LATER
    record_reviews([
        Statement(tool.pk, "founder", "ship", 70, "Early.", status=Status.SCHEDULED,
                  published_at=minute)
    ])  # fmt: skip
    review = tool.reviews.get(persona="founder")
    move_review(review, Status.DRAFT)
    assert [revision.public_from for revision in review.revisions.all()] == [None, None]
    assert not Review.objects.published(minute).filter(pk=review.pk).exists()


def test_a_draft_verdict_is_seen_nowhere(site):
    tool = cast.gamma()
    cast.beta()
    record_reviews([Statement(tool.pk, "founder", "skip", 1, "Whispered.", status=Status.DRAFT)])
    for address in (
        "/tools/gamma/", "/tools/gamma.json", "/tools/gamma.md", "/feeds/tools/gamma/", "/",
        "/personas/founder/", "/compare/beta-vs-gamma/", "/compare/beta-vs-gamma.json",
    ):  # fmt: skip
        answer = site.client.get(address)
        assert answer.status_code == 200, address
        assert b"hispered" not in answer.content, address
    assert "Whispered" not in site.get("/search/?q=whispered").text
    tool_of_picture = Tool.objects.published().with_reviews().get(pk=tool.pk)
    assert picture_of_tool(tool_of_picture).subjects[0].cells == "sxs-"
    assert Panel.objects.get(tool=tool).cells == "sxs-"


def test_withdrawing_a_verdict_needs_a_reason_and_makes_the_panel_pending(site):
    tool = cast.alpha()
    review = tool.reviews.get(persona="founder")
    with pytest.raises(ValidationError) as refused:
        move_review(review, Status.WITHDRAWN)
    assert "reason" in refused.value.message_dict
    move_review(review, Status.WITHDRAWN, reason="It was about another version.")
    assert Panel.objects.get(tool=tool).outcome == "pending"
    assert "The Founder argues" not in site.get("/tools/alpha/").text


def test_a_verdict_that_is_published_a_second_time_turned_round_says_what_readers_saw_before():
    tool = cast.alpha()
    review = tool.reviews.get(persona="founder")
    move_review(review, Status.WITHDRAWN, reason="In doubt.")
    move_review(review, Status.DRAFT)
    record_reviews([Statement(tool.pk, "founder", "skip", 10, "No more.", reason="It broke.")])
    move_review(review, Status.PUBLISHED)
    last = review.revisions.last()
    assert (last.verdict, last.previous_verdict) == ("skip", "ship")


@pytest.mark.parametrize("own", [LATER * 10, LATER / 2])
def test_a_scheduled_tool_takes_the_verdicts_that_wait_to_its_own_minute(own):
    tool = draft()
    move_review(tool.reviews.get(persona="founder"), Status.SCHEDULED, at=timezone.now() + own)
    minute = timezone.now() + LATER
    move_tool(tool, Status.SCHEDULED, at=minute)
    assert Review.objects.published(minute).filter(tool=tool).count() == 4
    sooner = timezone.now() + LATER / 4
    move_tool(tool, Status.SCHEDULED, at=sooner)
    assert Review.objects.published(sooner).filter(tool=tool).count() == 4


@pytest.mark.parametrize("to", [Status.DRAFT, Status.IN_REVIEW, Status.SCHEDULED])
def test_a_verdict_that_a_scheduled_tool_needs_is_not_taken_from_it(to):
    tool = at_stage(Status.SCHEDULED)
    review = tool.reviews.get(persona="founder")
    with pytest.raises(ValidationError, match="would appear without this verdict"):
        move_review(review, to, at=timezone.now() + 2 * LATER)


def test_a_draft_that_was_once_scheduled_has_no_date_left():
    tool = at_stage(Status.SCHEDULED)
    move_tool(tool, Status.DRAFT)
    assert Tool.objects.get(pk=tool.pk).published_at is None


# Who may


@pytest.mark.parametrize(
    ("group", "allowed"),
    [
        ("Author", {(Status.DRAFT, Status.IN_REVIEW), (Status.IN_REVIEW, Status.DRAFT)}),
        ("Publisher", {
            (Status.IN_REVIEW, Status.SCHEDULED),
            (Status.SCHEDULED, Status.DRAFT), (Status.SCHEDULED, Status.IN_REVIEW),
        }),
        ("Editor", {(before, after) for before in MOVES for after in MOVES[before]}),
        ("Administrator", {(before, after) for before in MOVES for after in MOVES[before]}),
    ],
)  # fmt: skip
def test_each_group_makes_its_own_moves_and_is_refused_the_others(group, allowed):
    user = member(group)
    made = set()
    for before, moves in MOVES.items():
        for after in moves:
            with transaction.atomic():
                tool = at_stage(before)
                try:
                    move_tool(tool, after, by=user, at=timezone.now() + LATER)
                    made.add((before, after))
                except PermissionDenied:
                    assert Tool.objects.get(pk=tool.pk).stage == before
                transaction.set_rollback(True)
    assert made == allowed


@pytest.mark.parametrize("group", ["Author", "Editor", "Publisher", "Administrator"])
def test_what_readers_see_is_edited_by_those_who_may_publish(group):
    user = member(group)
    unpublished, public = draft(), cast.alpha()
    assert publishing.may_edit(user, unpublished) == (group != "Publisher")
    assert publishing.may_edit(user, public) == (group in {"Editor", "Administrator"})


# The audit line


def test_every_publishing_act_is_written_down_with_who_and_why():
    editor = member("Editor")
    tool = draft()
    assert not Act.objects.exists()
    move_tool(tool, Status.PUBLISHED, by=editor)
    move_tool(tool, Status.WITHDRAWN, by=editor, reason="The vendor is gone.")
    acts = Act.objects.filter(kind="tools_tool").order_by("id")
    assert [(act.before, act.after, act.by, act.reason) for act in acts] == [
        ("draft", "published", "editor", ""),
        ("published", "withdrawn", "editor", "The vendor is gone."),
    ]
    assert Act.objects.filter(kind="reviews_review", after="published", by="editor").count() == 4


def test_an_act_below_the_desk_is_written_down_too():
    tool = draft()
    Tool.objects.filter(pk=tool.pk).update(status=Status.PUBLISHED, published_at=timezone.now())
    (act,) = Act.objects.all()
    assert (act.name, act.after, act.by) == ("Draft", "published", "")


def test_nobody_is_said_to_have_done_what_the_clock_did():
    tool = at_stage(Status.SCHEDULED)
    let_time_pass(LATER)
    Tool.objects.update(published_at=F("published_at") - LATER)
    acts = Act.objects.count()
    founder = Statement(tool.pk, "founder", "ship", 50, "Worded anew.")
    record_reviews([founder], by=member("Editor"))
    assert Act.objects.count() == acts
    move_tool(tool, Status.WITHDRAWN)
    assert (Act.objects.first().before, Act.objects.first().after) == ("published", "withdrawn")


def test_an_act_is_neither_changed_nor_removed():
    cast.alpha()
    for change in (lambda: Act.objects.update(by="somebody else"), Act.objects.all().delete):
        with (
            pytest.raises(ProgrammingError),
            transaction.atomic(),
        ):
            change()


def test_one_act_does_not_sign_the_next():
    editor = member("Editor")
    move_tool(draft(), Status.PUBLISHED, by=editor)
    move_tool(draft("second"), Status.PUBLISHED)
    assert Act.objects.filter(kind="tools_tool").order_by("id").last().by == ""
