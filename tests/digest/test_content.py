"""What an edition tells: what really changed in its time, and nothing twice."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from comparisons.digest.content import (
    FORGOTTEN_AFTER,
    Content,
    suggest_subject,
    summary,
    told_by,
)
from comparisons.digest.news import ARGUMENT, KEPT, LATE, NAME
from comparisons.models import Comparison
from reviews.models import Review, Revision
from reviews.votes import Tally
from reviews.writing import Statement, record_reviews
from tests import cast
from tests.digest.cast import edition
from tools.models import Price, Tool

pytestmark = pytest.mark.django_db

NOW = timezone.now()
WEEK = timedelta(days=7)
#: A week in which nothing happened yet: everything before is older than any edition looks back.
START = NOW - WEEK


def content(since=START, until=None, told=()):
    return Content.since(since, until or timezone.now() + timedelta(seconds=1), set(told))


def ripe(tool, on=START - timedelta(days=30)):
    """Have a tool and its reviews been public for long."""
    Tool.objects.filter(pk=tool.pk).update(published_at=on)
    Review.objects.filter(tool=tool).update(published_at=on)
    return tool


def judged(slug="judged", verdicts="ship ship ship skip", scores=(80, 70, 60, 50), **facts):
    tool = cast.make_tool(slug, **facts)
    cast.review(tool, verdicts, scores)
    return tool


def old(slug="old", **facts):
    return ripe(judged(slug, **facts))


def turn(tool, persona, verdict, reason="New facts."):
    record_reviews([Statement(tool.pk, persona, verdict, 50, "Anew.", reason=reason)])


def votes(tool, ships, skips):
    Tally.objects.update_or_create(tool=tool)
    tally = Tally.objects.get(tool=tool)
    tally.ships, tally.skips = ships, skips
    tally.save()


def names(section):
    return [item.name for item in section.items]


# New verdicts


def test_a_tool_that_became_public_with_four_reviews_is_a_new_verdict():
    tool = judged(tagline="What it is for")
    cast.add_plan(tool, "Free")
    (item,) = content().verdicts.items
    assert (item.name, item.tagline, item.category) == (
        "Judged", "What it is for", "Developer Tools",
    )  # fmt: skip
    assert (item.cells, item.score, item.entry) == ("sssx", 65.0, "Free")
    assert item.strip.outcome.label == "Ship"
    assert (item.address, item.categories) == ("/tools/judged/", (tool.category_id,))


def test_unknown_is_neither_zero_nor_free():
    judged(scores=(80, None, 60, 50))
    (item,) = content().verdicts.items
    assert (item.score, item.entry) == (None, "")


def test_the_fourth_review_makes_a_new_verdict_of_an_old_tool():
    tool = cast.gamma()
    ripe(tool)
    assert content().is_empty
    record_reviews([Statement(tool.pk, "founder", "ship", 50, "At last.")])
    assert names(content().verdicts) == ["Gamma"]


def test_a_tool_is_no_news_before_its_fourth_review():
    cast.gamma()
    cast.delta()
    assert content().is_empty


def test_a_tool_that_is_no_more_public_is_no_news():
    for status in ("draft", "in_review"):
        judged(status.replace("_", "-"), status=status)
    judged("later", published_at=timezone.now() + timedelta(hours=1))
    withdrawn = judged("gone")
    withdrawn.become("withdrawn")
    withdrawn.save()
    assert content().is_empty


def test_a_tool_whose_panel_is_completed_later_is_news_from_then_on():
    tool = cast.gamma()
    soon = timezone.now() + timedelta(hours=2)
    record_reviews(
        [Statement(tool.pk, "founder", "ship", 50, "Soon.", status="scheduled", published_at=soon)]
    )
    assert content(until=soon - timedelta(minutes=1)).is_empty
    assert names(content(until=soon).verdicts) == ["Gamma"]


def test_publishing_again_what_was_withdrawn_is_no_news():
    tool = old()
    for status in ("withdrawn", "published"):
        record_reviews([Statement.of(tool.reviews.get(persona="builder"), status=status)])
    assert content().is_empty
    for status in ("withdrawn", "published"):
        tool.refresh_from_db()
        tool.become(status)
        tool.save()
    assert content().is_empty


def test_a_new_wording_is_no_news():
    turn(old(), "builder", "ship")
    assert content().is_empty


def test_the_period_has_an_open_beginning_and_a_closed_end():
    moment = START + timedelta(days=1)
    ripe(judged(), moment)
    assert not content(until=moment).is_empty
    assert content(until=moment - timedelta(microseconds=1)).is_empty
    assert content(since=moment + LATE, until=moment + WEEK).is_empty
    assert not content(since=moment + LATE - timedelta(microseconds=1)).is_empty


def test_what_a_slow_transaction_dated_before_the_last_edition_is_told_in_the_next():
    early = content()
    late = ripe(judged("late"), NOW - timedelta(minutes=10))
    following = content(since=NOW, until=NOW + WEEK, told=early.keys)
    assert names(following.verdicts) == [late.name]


def test_the_newest_verdict_comes_first():
    for slug, days in (("first", 3), ("third", 1), ("second", 2)):
        ripe(judged(slug), NOW - timedelta(days=days))
    assert names(content().verdicts) == ["Third", "Second", "First"]


# Verdicts that flipped


def test_a_verdict_that_turned_round_is_told_with_its_reason():
    tool = old()
    turn(tool, "founder", "ship", reason="It became cheaper.")
    (item,) = content().reversals.items
    assert (item.name, item.who, item.before, item.after) == ("Old", "Founder", "skip", "ship")
    assert (item.reason, item.cells) == ("It became cheaper.", "ssss")
    assert item.on == timezone.localdate().isoformat()


def test_who_turned_round_and_back_has_not_changed_their_mind():
    tool = old()
    turn(tool, "founder", "ship")
    turn(tool, "founder", "skip")
    found = content()
    assert found.is_empty
    assert {
        f"revision/{pk}"
        for pk in Revision.objects.filter(number__gt=1).values_list("pk", flat=True)
    } <= found.keys


def test_who_turned_round_three_times_is_told_once():
    tool = old()
    for verdict in ("ship", "skip", "ship"):
        turn(tool, "founder", verdict, reason=f"Now {verdict}.")
    (item,) = content().reversals.items
    assert (item.before, item.after, item.reason) == ("skip", "ship", "Now ship.")


def test_a_flip_of_a_tool_that_is_new_itself_is_not_told():
    tool = judged()
    turn(tool, "founder", "ship")
    found = content()
    assert names(found.verdicts) == ["Judged"]
    assert not found.reversals


def test_a_flip_is_told_only_while_readers_may_see_the_tool():
    tool = old()
    turn(tool, "founder", "ship")
    assert len(content().reversals.items) == 1
    tool.refresh_from_db()
    tool.become("withdrawn")
    tool.save()
    assert content().is_empty


def test_an_old_flip_is_no_news():
    tool = old()
    turn(tool, "founder", "ship")
    later = timezone.now() + LATE
    assert content(since=later, until=later + WEEK).is_empty


# Prices


@pytest.fixture
def plan():
    tool = old("priced", name="Priced")
    return cast.add_plan(
        tool, "Pro", "subscription", "20.00", effective_on=(START - WEEK).date(),
        checked_on=(START - WEEK).date(),
    )  # fmt: skip


def reprice(plan, amount, on=None, **facts):
    return plan.prices.create(amount=amount, effective_on=on or timezone.localdate(), **facts)


def test_a_price_that_changed_is_told_with_what_it_was(plan):
    reprice(plan, "25.00")
    (item,) = content().prices.items
    assert (item.name, item.plan, item.before, item.after, item.change) == (
        "Priced", "Pro", "USD 20.00", "USD 25.00 per month", "+25%",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "told", "change"),
    [
        ("20", "15", "USD 20.00 → USD 15.00 per month", "−25%"),
        ("20", "0", "USD 20.00 → Free", ""),
        ("0", "20", "Free → USD 20.00 per month", ""),
        ("1000", "1001", "USD 1000.00 → USD 1001.00 per month", ""),
    ],
)
def test_a_change_is_counted_in_percent_where_that_says_something(before, after, told, change):
    other = cast.add_plan(
        old("other"), "Team", "subscription", before, effective_on=(START - WEEK).date()
    )
    reprice(other, after)
    (item,) = content().prices.items
    assert (f"{item.before} → {item.after}", item.change) == (told, change)


def test_a_price_is_news_on_the_day_from_which_it_holds(plan):
    reprice(plan, "25.00", on=timezone.localdate() + timedelta(days=2))
    early = content()
    assert early.is_empty
    then = timezone.now() + timedelta(days=2)
    assert len(content(until=then).prices.items) == 1
    following = content(since=NOW, until=then, told=early.keys)
    assert len(following.prices.items) == 1
    assert content(since=then, until=then + WEEK, told=following.keys | early.keys).is_empty


def test_a_price_that_was_written_down_late_is_told_all_the_same(plan):
    first = content()
    reprice(plan, "25.00", on=(START - timedelta(days=3)).date())
    assert len(content(since=NOW, told=first.keys).prices.items) == 1


def test_without_an_earlier_edition_only_what_began_in_the_period_is_news(plan):
    reprice(plan, "25.00", on=START.date())
    assert content().is_empty
    reprice(plan, "30.00", on=START.date() + timedelta(days=1))
    assert [item.before for item in content().prices.items] == ["USD 25.00"]


def test_a_price_that_was_written_down_after_the_edition_of_its_day_is_told_next_time(plan):
    early = content()
    reprice(plan, "25.00")
    late = content(since=NOW, told=early.keys)
    assert [item.after for item in late.prices.items] == ["USD 25.00 per month"]
    assert content(since=timezone.now(), until=NOW + WEEK, told=early.keys | late.keys).is_empty


def test_two_changes_in_one_week_are_told_as_one(plan):
    reprice(plan, "25.00", on=timezone.localdate() - timedelta(days=2))
    reprice(plan, "30.00")
    (item,) = content().prices.items
    assert (item.before, item.after) == ("USD 20.00", "USD 30.00 per month")


def test_a_price_that_went_up_and_down_again_is_no_news(plan):
    reprice(plan, "25.00", on=timezone.localdate() - timedelta(days=2))
    reprice(plan, "20.00")
    assert content().is_empty


def test_a_history_that_was_filled_in_is_no_news(plan):
    first = content()
    for amount, days in (("5", 300), ("10", 200), ("15", 100)):
        reprice(plan, amount, on=(START - timedelta(days=days)).date())
    assert content(since=NOW, told=first.keys).is_empty


def test_a_first_price_and_one_that_was_looked_up_again_are_no_change(plan):
    cast.add_plan(plan.tool, "New plan", "subscription", "9.00")
    Price.objects.filter(plan=plan).update(checked_on=timezone.localdate())
    reprice(plan, "20.00")
    assert content().is_empty


def test_amounts_of_different_kinds_are_not_compared(plan):
    reprice(plan, "200.00", period="year")
    assert content().is_empty


def test_nobody_knew_the_prices_of_a_tool_that_was_not_public():
    tool = judged()
    made = cast.add_plan(tool, "Pro", "subscription", "20", effective_on=(START - WEEK).date())
    reprice(made, "25.00")
    found = content()
    assert names(found.verdicts) == ["Judged"]
    assert not found.prices


# Comparisons


def test_a_comparison_that_appeared_is_told_with_its_answer():
    left = old("left", verdicts="ship ship ship ship")
    right = old("right", verdicts="skip skip ship ship")
    cast.compare(left, right)
    (item,) = content().comparisons.items
    assert (item.names, item.cells) == (("Left", "Right"), ("ssss", "xxss"))
    assert item.address == "/compare/left-vs-right/"
    assert "".join(item.verdict) == "Left wins on the panel"
    assert "".join(item.reason) == "4 of 4 personas ship it, against 2 of 4 for Right."
    assert item.verdict[1::2] == ("Left",)


def test_a_comparison_appears_with_the_later_of_its_tools():
    pair = old("one"), cast.make_tool("two", status="draft")
    cast.compare(*pair)
    Comparison.objects.update(published_at=START - WEEK)
    assert content().is_empty
    pair[1].become("published")
    pair[1].save()
    assert len(content().comparisons.items) == 1


def test_an_old_comparison_is_no_news():
    cast.compare(old("one"), old("two"))
    Comparison.objects.update(published_at=START - WEEK)
    assert content().is_empty


# Where they disagree


def test_the_most_contested_tool_is_told_with_an_argument_of_each_side():
    old("agreed", verdicts="ship ship ship ship")
    tool = old("contested", verdicts="ship skip ship skip", scores=(90, 10, 70, None))
    (item,) = content().contested.items
    assert item.name == "Contested"
    assert [(one.who, one.verdict, one.score) for one in item.arguments] == [
        ("Builder", "ship", 90), ("Skeptic", "skip", 10),
    ]  # fmt: skip
    assert item.arguments[0].text == f"The Builder argues about {tool.slug}."


def test_a_long_argument_ends_with_a_sentence():
    tool = cast.make_tool("wordy")
    body = "One *short* sentence. " + "And then a much longer one without end " * 20
    record_reviews(
        Statement(tool.pk, persona, verdict, 50, body)
        for persona, verdict in (
            ("builder", "ship"), ("skeptic", "skip"), ("futurist", "ship"), ("founder", "skip"),
        )
    )  # fmt: skip
    (item,) = content().contested.items
    assert [one.text for one in item.arguments] == ["One short sentence."] * 2
    Review.objects.update(body_html="<p>" + "word " * 100 + "</p>")
    (item,) = content().contested.items
    assert item.arguments[0].text.endswith("word …")
    assert len(item.arguments[0].text) <= ARGUMENT + 2


def test_a_contested_tool_is_never_told_again():
    for slug in ("one", "two"):
        old(slug, verdicts="ship skip ship skip")
    first = content()
    second = content(told=first.keys)
    third = content(told=first.keys | second.keys)
    assert {*names(first.contested), *names(second.contested)} == {"One", "Two"}
    assert not third.contested


def test_readers_disagree_where_the_panel_lies_outside_their_interval():
    for slug, ships, skips in (("far", 5, 95), ("near", 75, 25), ("few", 0, 9), ("wide", 40, 60)):
        votes(old(slug), ships, skips)
    assert names(content().disagreements) == ["Far", "Wide"]
    (item, _) = content().disagreements.items
    assert (item.count.text, item.strip.share) == ("5% ship of 100 votes", 75)


def test_three_disagreements_are_told_at_most():
    for number in range(5):
        votes(old(f"tool-{number}"), number, 100)
    assert names(content().disagreements) == ["Tool 0", "Tool 1", "Tool 2"]


def test_a_disagreement_is_told_again_only_after_some_editions():
    votes(old(), 1, 99)
    first = content()
    assert first.disagreements
    editions = [edition(content=first.to_json())]
    for _ in range(FORGOTTEN_AFTER - 1):
        assert not content(told=told_by(editions)).disagreements
        editions.insert(0, edition(content=content(told=told_by(editions)).to_json()))
    assert not content(told=told_by(editions)).disagreements
    editions.insert(0, edition(content={}))
    assert content(told=told_by(editions)).disagreements


def test_a_panel_that_is_not_complete_is_not_disagreed_with():
    votes(ripe(cast.gamma()), 1, 99)
    assert not content().disagreements


def test_contested_tools_and_votes_alone_make_no_edition():
    votes(old(verdicts="ship skip ship skip"), 1, 99)
    found = content()
    assert found.contested
    assert found.disagreements
    assert found.is_empty


def test_votes_stay_as_an_editor_has_seen_them_while_their_tools_are_public():
    one, two = old("one"), old("two")
    votes(one, 1, 99)
    votes(two, 2, 99)
    seen = content()
    votes(one, 500, 1)
    two.become("withdrawn")
    two.save()
    now = Content.since(START, timezone.now(), set(), seen=seen)
    assert [(item.name, item.ships) for item in now.disagreements.items] == [("One", 1)]
    assert [key for key in now.keys if key.endswith("/readers")] == [f"tool/{one.pk}/readers"]


# Nothing twice


def test_nothing_is_told_twice(plan):
    left = judged("left")
    cast.compare(left, judged("right"))
    turn(plan.tool, "founder", "ship")
    reprice(plan, "25.00")
    first = content()
    assert all((first.verdicts, first.reversals, first.prices, first.comparisons))
    # Also not by an edition that covers the same time once more.
    assert content(told=first.keys).is_empty


def test_what_was_only_counted_counts_as_told():
    for number in range(KEPT + 3):
        judged(f"tool-{number}")
    first = content()
    assert (len(first.verdicts.items), first.verdicts.total) == (KEPT, KEPT + 3)
    assert content(told=first.keys).is_empty


def test_what_editions_told_is_read_from_the_database_without_their_contents(
    django_assert_num_queries,
):
    from comparisons.digest.models import Edition

    judged()
    told = content()
    edition(week="2026-W40", content=told.to_json())
    edition(week="2026-W41", content={"keys": ["draft"]}, status="draft")
    edition(week="2026-W42", content={})
    with django_assert_num_queries(1):
        assert told_by(Edition.objects.told()) == set(told.keys)


def test_an_empty_week_tells_nothing():
    found = content()
    assert found.is_empty
    assert found.items == []
    assert found.categories == set()
    assert suggest_subject(found) == "Nothing changed this week"


# Topics


@pytest.fixture
def two_topics():
    agents, models = cast.make_category("Agents", "agents"), cast.make_category("Models", "models")
    agent, model = judged("agent", category=agents), judged("model", category=models)
    cast.compare(agent, model)
    cast.compare(judged("second", category=agents), agent)
    return agents, models


def test_topics_leave_only_what_concerns_them(two_topics):
    agents, models = two_topics
    found = content()
    assert found.categories == {agents.pk, models.pk}
    of_models = found.for_topics([models.pk])
    assert names(of_models.verdicts) == ["Model"]
    assert [item.names for item in of_models.comparisons.items] == [("Agent", "Model")]
    assert of_models.categories == {agents.pk, models.pk}
    assert len(found.for_topics([agents.pk]).comparisons.items) == 2
    assert found.for_topics([agents.pk, models.pk]).verdicts == found.verdicts
    assert found.for_topics([]) == found


def test_a_topic_without_news_is_empty(two_topics):
    other = cast.make_category("Other", "other")
    votes(old("voted", category=other, verdicts="ship skip ship skip"), 1, 99)
    found = content()
    assert found.contested
    assert other.pk not in found.categories
    assert found.for_topics([other.pk]).is_empty


def test_each_topic_keeps_its_first_items_and_counts_the_others():
    big, small = cast.make_category("Big", "big"), cast.make_category("Small", "small")
    ripe(judged("little", category=small), NOW - timedelta(days=2))
    for number in range(KEPT + 5):
        judged(f"tool-{number}", category=big)
    found = content()
    assert found.verdicts.total == KEPT + 6
    assert names(found.for_topics([small.pk]).verdicts) == ["Little"]
    assert found.for_topics([small.pk]).verdicts.more == 0
    assert found.for_topics([big.pk]).verdicts.total == KEPT + 5
    shown = found.first(dict.fromkeys(dict(found.sections), 3))
    assert (len(shown.verdicts.items), shown.verdicts.more) == (3, KEPT + 3)


# JSON, subjects, hostile names


def test_it_goes_to_json_and_back(plan, two_topics):
    turn(plan.tool, "founder", "ship")
    reprice(plan, "25.00")
    votes(plan.tool, 1, 99)
    found = content()
    assert all(section for _, section in found.sections)
    there = json.loads(json.dumps(found.to_json()))
    assert Content.from_json(there) == found
    assert Content.from_json({}) == Content()


def test_a_subject_names_the_first_piece_of_news(plan):
    assert suggest_subject(content()) == "Nothing changed this week"
    reprice(plan, "25.00")
    assert suggest_subject(content()) == "Priced, Pro: USD 20.00 → USD 25.00 per month"
    turn(plan.tool, "founder", "ship")
    assert suggest_subject(content()) == "Priced: the Founder now says ship, and 1 more change"
    judged()
    assert suggest_subject(content()) == "Judged: Ship, and 2 more changes"
    judged("long", name="Long " * 30)
    assert suggest_subject(content()) == "2 new verdicts, 1 verdict flipped, 1 price change"
    assert summary(content()) == "2 new verdicts, 1 verdict flipped, 1 price change"


def test_names_are_kept_on_one_line_without_control_characters():
    judged("odd", name="Odd\r\nBcc: x@example.org\x01\x1b[31m \u202eevil\u2066", tagline="a\n\tb")
    (item,) = content().verdicts.items
    assert item.name == "Odd Bcc: x@example.org[31m evil"
    assert item.tagline == "a b"
    judged("long", name="W" * 200)
    item = content().verdicts.items[0]
    assert item.name == "W" * (NAME - 1) + "…"


def test_the_number_of_queries_does_not_grow(plan, django_assert_max_num_queries):
    def everything(count):
        for number in range(count):
            slug = f"tool-{count}-{number}"
            tool = old(slug)
            turn(tool, "founder", "ship")
            made = cast.add_plan(
                tool, "Pro", "subscription", "5", effective_on=(START - WEEK).date()
            )
            reprice(made, "6.00")
            votes(tool, 1, 99)
            cast.compare(judged(f"new-{slug}"), tool)

    everything(2)
    with django_assert_max_num_queries(15):
        assert len(content().items) >= 8
    everything(9)
    with django_assert_max_num_queries(15):
        content()
