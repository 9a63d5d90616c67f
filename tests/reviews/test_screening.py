"""Which votes wait, and what becomes of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from reviews import moderation, screening
from reviews.dueling import cast_duel
from reviews.duels import Choice, Duel, DuelTally
from reviews.scorecards import Verdict
from reviews.screening import ADDRESS_LIMIT, BURST, FLOOD, HOUSEHOLD
from reviews.sweeping import COOKIE_PATIENCE, Wave, sweep, tallies_to_sweep
from reviews.tallies import Count, DuelCount
from reviews.tallying import differences
from reviews.votes import Ruling, Standing, Suspicion, Tally, Vote
from reviews.voting import cast_vote, release_returning
from tests.cast import delta, make_tool

pytestmark = pytest.mark.django_db

SHIP, SKIP = Verdict.SHIP, Verdict.SKIP
HOME = b"home"
TOMORROW = timedelta(days=1)
TWO_HOURS = timedelta(hours=2)


def turn(number):
    """Voters take turns in what they say."""
    return SHIP if number % 2 else SKIP


def crowd(tool, votes, say=turn):
    """Let so many voters vote, each from an address of their own."""
    for number in range(votes):
        cast_vote(tool.pk, uuid4(), say(number), address=number.to_bytes(16))


def later(time):
    """Let time go by, for every vote that there is."""
    for vote in Vote.objects.all():
        cast_at, changed_at = vote.cast_at - time, vote.changed_at - time
        Vote.objects.filter(pk=vote.pk).update(cast_at=cast_at, changed_at=changed_at)


def night():
    return sweep(tallies_to_sweep(), datetime.now(UTC) + TOMORROW)


def waiting(tool):
    return list(
        Vote.objects.filter(tool=tool, standing=Standing.QUARANTINED)
        .order_by("suspicion")
        .values_list("suspicion", flat=True)
    )


def tally(tool):
    return Tally.objects.get(pk=tool.pk)


@pytest.fixture(autouse=True)
def _tallies_equal_the_votes():
    yield
    assert not list(differences())


# One address


def test_a_household_votes_and_the_next_from_its_address_waits():
    tool = delta()
    for _ in range(HOUSEHOLD + 1):
        cast_vote(tool.pk, uuid4(), SHIP, address=HOME)
    assert tally(tool).count == Count(HOUSEHOLD, 0)
    assert waiting(tool) == [Suspicion.ADDRESS]
    assert cast_vote(tool.pk, uuid4(), SHIP, address=b"away").quarantined is None


def test_an_hour_does_not_make_a_household_larger_and_a_new_day_does():
    tool = delta()
    for _ in range(HOUSEHOLD):
        cast_vote(tool.pk, uuid4(), SHIP, address=HOME)
    later(TWO_HOURS)
    assert cast_vote(tool.pk, uuid4(), SHIP, address=HOME).quarantined
    assert cast_vote(tool.pk, uuid4(), SHIP, address=b"home, hashed the next day").count.ships == 6


def test_one_address_votes_on_so_many_tools_in_an_hour():
    tools = [make_tool(f"tool-{number}") for number in range(ADDRESS_LIMIT + 2)]
    ann = uuid4()
    for tool in tools[:-1]:
        cast_vote(tool.pk, ann, SHIP, address=HOME)
    assert waiting(tools[-2]) == [Suspicion.ADDRESS]
    later(TWO_HOURS)
    cast_vote(tools[-1].pk, ann, SHIP, address=HOME)
    assert waiting(tools[-1]) == []


def test_the_night_releases_a_reader_who_tried_everything_out_and_rejects_a_crowd():
    tools = [make_tool(f"tool-{number}") for number in range(ADDRESS_LIMIT + 1)]
    ann = uuid4()
    for tool in tools:
        cast_vote(tool.pk, ann, SHIP, address=HOME)
    for _ in range(HOUSEHOLD + 3):
        cast_vote(tools[0].pk, uuid4(), SHIP, address=b"crowd")
    assert (tally(tools[-1]).quarantined, tally(tools[0]).quarantined) == (1, 3)
    swept = night()
    assert (swept.released, swept.rejected) == (1, 3)
    assert tally(tools[-1]).count == Count(1, 0)
    assert tally(tools[0]).count == Count(1 + HOUSEHOLD, 0)


def test_from_one_address_so_much_is_stored_in_an_hour_and_the_rest_answered_as_if(monkeypatch):
    monkeypatch.setattr(screening, "STORED_LIMIT", 4)
    tool, other, ann = delta(), make_tool("epsilon"), uuid4()
    pair = sorted([tool.pk, other.pk])
    cast_vote(tool.pk, ann, SHIP, address=HOME)
    cast_duel(*pair, ann, Choice.LEFT, address=HOME)
    for _ in range(4):
        done = cast_vote(tool.pk, uuid4(), SHIP, address=HOME)
    assert (done.change, done.choice, done.quarantined) == ("cast", SHIP, None)
    assert Vote.objects.count() == tally(tool).count.ships == 3
    assert cast_duel(*pair, uuid4(), Choice.LEFT, address=HOME).change == "cast"
    assert Duel.objects.count() == 1
    assert cast_vote(tool.pk, ann, SKIP, address=HOME).count == Count(2, 1)
    assert cast_vote(tool.pk, uuid4(), SHIP, address=b"away").count == Count(3, 1)
    later(TWO_HOURS)
    assert cast_vote(other.pk, ann, SHIP, address=HOME).count == Count(1, 0)


def test_a_full_address_makes_no_tallies_either(monkeypatch):
    monkeypatch.setattr(screening, "STORED_LIMIT", 0)
    pair = sorted([delta().pk, make_tool("epsilon").pk])
    done = cast_duel(*pair, uuid4(), Choice.LEFT, address=HOME)
    assert (done.change, done.count) == ("cast", DuelCount())
    assert cast_duel(*pair, uuid4(), None, address=b"away").change == "unchanged"
    assert not DuelTally.objects.exists()


# No cookie


def test_without_a_cookie_one_vote_an_hour_counts():
    tool = delta()
    for _ in range(2):
        cast_vote(tool.pk, uuid4(), SHIP, address=HOME, without_cookie=True)
    assert waiting(tool) == [Suspicion.COOKIE]
    later(TWO_HOURS)
    cast_vote(tool.pk, uuid4(), SHIP, address=HOME, without_cookie=True)
    assert tally(tool).count == Count(2, 0)


def test_coming_back_with_the_cookie_does_not_get_round_the_other_rules():
    tool, late = delta(), uuid4()
    cast_vote(tool.pk, uuid4(), SHIP, address=HOME, without_cookie=True)
    cast_vote(tool.pk, late, SHIP, address=HOME, without_cookie=True)
    for _ in range(HOUSEHOLD - 1):
        cast_vote(tool.pk, uuid4(), SHIP, address=HOME)
    release_returning(late)
    assert waiting(tool) == [Suspicion.ADDRESS]


def test_coming_back_is_judged_by_what_was_cast_before_not_after():
    tool, late = delta(), uuid4()
    for voter in (uuid4(), late):
        cast_vote(tool.pk, voter, SHIP, address=HOME, without_cookie=True)
    crowd(tool, FLOOD - 2, lambda _: SHIP)
    for number in range(ADDRESS_LIMIT):
        cast_vote(make_tool(f"tool-{number}").pk, uuid4(), SHIP, address=HOME)
    release_returning(late)
    assert waiting(tool) == [Suspicion.FLOOD]  # the last of the crowd
    assert Vote.objects.get(voter=late).standing == Standing.COUNTED


def test_whoever_does_not_come_back_is_rejected_in_time():
    tool = delta()
    for _ in range(2):
        cast_vote(tool.pk, uuid4(), SHIP, address=HOME, without_cookie=True)
    night()
    assert waiting(tool) == [Suspicion.COOKIE]
    later(COOKIE_PATIENCE)
    night()
    assert waiting(tool) == []
    assert tally(tool).count == Count(1, 0)
    assert Ruling.objects.get().reason == "The voters did not come back with their cookie."


# Waves


def test_a_burst_waits_and_is_released_when_it_was_a_crowd_of_all_opinions():
    tool = delta()
    crowd(tool, BURST + 5)
    assert waiting(tool) == [Suspicion.BURST] * 5
    assert night().released == 5
    assert tally(tool).count.total == BURST + 5


def test_a_steady_stream_is_no_burst():
    tool = delta()
    crowd(tool, BURST - 1)
    later(timedelta(minutes=11))
    crowd(tool, 5)
    assert waiting(tool) == []


def test_a_one_sided_flood_waits_and_is_rejected():
    tool = delta()
    crowd(tool, FLOOD + 5, lambda _: SHIP)
    assert waiting(tool) == [Suspicion.FLOOD] * 6
    assert cast_vote(tool.pk, uuid4(), SKIP, address=b"away").quarantined is None
    assert night().rejected == 6
    assert tally(tool).count == Count(FLOOD - 1, 1)
    ruling = Ruling.objects.get()
    assert (ruling.by, ruling.votes, ruling.standing) == ("", 6, Standing.REJECTED)
    assert "45 of 46 say ship, from 46 addresses; 0 of the voters" in ruling.reason


def test_a_flood_of_changes_waits_and_is_rejected():
    tool = delta()
    crowd(tool, 58)
    later(TOMORROW)
    crowd(tool, 58)
    later(TWO_HOURS)
    for vote in Vote.objects.filter(choice=SKIP).order_by("pk"):
        cast_vote(tool.pk, vote.voter, SHIP)
    assert waiting(tool) == [Suspicion.FLOOD] * (58 - FLOOD + 1)
    assert tally(tool).count == Count(58 + FLOOD - 1, 0)
    assert night().rejected == 58 - FLOOD + 1
    assert tally(tool).quarantined == 0


def test_turns_that_all_become_one_choice_within_an_hour_wait():
    tool = delta()
    crowd(tool, 58)
    for vote in Vote.objects.filter(choice=SKIP).order_by("pk"):
        cast_vote(tool.pk, vote.voter, SHIP)
    assert set(waiting(tool)) == {Suspicion.FLOOD}


def test_a_reader_who_thinks_again_stays_counted():
    tool, ann = delta(), uuid4()
    cast_vote(tool.pk, ann, SHIP, address=HOME)
    for _ in range(HOUSEHOLD - 1):
        cast_vote(tool.pk, uuid4(), SHIP, address=HOME)
    crowd(tool, 30)
    for choice in (SKIP, SHIP) * FLOOD:
        cast_vote(tool.pk, ann, choice, address=HOME)
    assert waiting(tool) == []


def test_a_tool_that_everybody_likes_may_be_liked_at_once():
    tool = delta()
    crowd(tool, 30, lambda _: SHIP)
    later(TWO_HOURS)
    crowd(tool, FLOOD + 5, lambda _: SHIP)
    assert waiting(tool) == []
    crowd(tool, FLOOD + 5, lambda _: SKIP)
    assert Suspicion.FLOOD in waiting(tool)


def test_a_flood_of_readers_who_look_around_is_released():
    tool, other = delta(), make_tool("epsilon")
    for number in range(FLOOD + 5):
        voter, address = uuid4(), number.to_bytes(16)
        cast_vote(tool.pk, voter, SHIP, address=address)
        if number % 2:
            cast_vote(other.pk, voter, turn(number // 2), address=address)
    assert tally(tool).quarantined == 6
    assert night().released == 6


def wave(**facts):
    usual = {"votes": 100, "same": 60, "addressed": 100, "addresses": 90, "curious": 0}
    return Wave(**usual | {"choice": "ship", "votes_before": 0, "same_before": 0} | facts)


@pytest.mark.parametrize(
    ("facts", "is_stuffing"),
    [
        ({}, False),
        ({"addresses": 50}, True),
        ({"addresses": 51}, False),
        ({"addressed": 0, "addresses": 0}, False),
        ({"same": 95}, True),
        ({"same": 94}, False),
        ({"same": 95, "curious": 34}, False),
        ({"same": 95, "curious": 33}, True),
        ({"same": 95, "votes_before": 50, "same_before": 48}, False),
        ({"same": 95, "votes_before": 50, "same_before": 2}, True),
        ({"same": 95, "votes_before": 9, "same_before": 9}, True),
    ],
)
def test_a_wave_is_stuffing_from_few_places_or_of_one_opinion(facts, is_stuffing):
    assert wave(**facts).is_stuffing == is_stuffing


def test_a_day_is_judged_when_it_is_over_and_only_once():
    tool = delta()
    crowd(tool, BURST + 1)
    swept = sweep(tallies_to_sweep(), datetime.now(UTC).replace(hour=23, minute=59))
    assert (swept.released, swept.rejected) == (0, 0)
    assert night().released == 1
    assert night().released == 0
    assert Ruling.objects.count() == 1


# What a vote that waits can still do


def test_a_vote_that_waits_is_changed_and_retracted_without_being_counted():
    tool, ann = delta(), uuid4()
    for voter in (uuid4(), ann):
        cast_vote(tool.pk, voter, SHIP, address=HOME, without_cookie=True)
    assert cast_vote(tool.pk, ann, SKIP).change == "changed"
    assert (tally(tool).count, tally(tool).quarantined) == (Count(1, 0), 1)
    assert cast_vote(tool.pk, ann, None).change == "retracted"
    assert (tally(tool).count, tally(tool).quarantined) == (Count(1, 0), 0)


def test_a_rejected_vote_that_is_taken_back_and_cast_anew_stays_rejected(editor):
    tool, ann = delta(), uuid4()
    cast_vote(tool.pk, ann, SHIP)
    moderation.reject(Vote.objects.all(), by=editor)
    for choice in (SHIP, SKIP):
        assert cast_vote(tool.pk, ann, None).change == "retracted"
        cast_vote(tool.pk, ann, choice)
        assert Vote.objects.get().standing == Standing.REJECTED
        assert tally(tool).count == Count(0, 0)


# Editors


@pytest.fixture
def editor():
    user = User.objects.create_user("eve", is_staff=True)
    user.groups.add(Group.objects.get(name="Editor"))
    return user


def test_more_votes_than_one_statement_can_name_are_decided_too(editor, monkeypatch):
    monkeypatch.setattr("reviews.moderation.BATCH", 2)
    tool = delta()
    for number in range(5):
        cast_vote(tool.pk, UUID(int=number), Verdict.SHIP)
    assert moderation.reject(Vote.objects.all(), by=editor) == 5
    assert Tally.objects.get().count.total == 0
    assert Ruling.objects.get().votes == 5


def test_an_editor_releases_and_rejects_and_it_is_written_down(editor):
    tool = delta()
    crowd(tool, 3, lambda _: SHIP)
    votes = Vote.objects.filter(tool=tool)
    assert moderation.reject(votes, by=editor, reason="A friend of the vendor.") == 3
    assert tally(tool).count == Count(0, 0)
    assert set(votes.values_list("suspicion", flat=True)) == {Suspicion.EDITOR}
    assert moderation.reject(votes, by=editor) == 0
    assert moderation.release(votes.filter(pk=votes[0].pk), by=editor) == 1
    assert tally(tool).count == Count(1, 0)
    first = Ruling.objects.order_by("pk")[0]
    assert (first.by, first.votes, first.subject) == ("eve", 3, "Delta")
    assert first.reason == "A friend of the vendor."


def test_a_ruling_stays_as_it_was_written(editor):
    crowd(delta(), 1)
    moderation.reject(Vote.objects.all(), by=editor)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        Ruling.objects.update(votes=0)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        Ruling.objects.all().delete()


def test_nobody_else_decides():
    crowd(delta(), 1)
    author = User.objects.create_user("ann", is_staff=True)
    author.groups.add(Group.objects.get(name="Author"))
    with pytest.raises(PermissionDenied):
        moderation.reject(Vote.objects.all(), by=author)
    assert Vote.objects.get().standing == Standing.COUNTED


# Commands


def test_the_check_says_which_tally_differs_and_mends_it(capsys):
    tool, other = delta(), make_tool("epsilon")
    crowd(tool, 12)
    Vote.objects.create(tool=other, voter=UUID(int=1), choice=SKIP)
    Tally.objects.update(ships=99)
    with pytest.raises(CommandError, match="Tallies that differ: 2"):
        call_command("check_tallies")
    out = capsys.readouterr().out
    assert f"tally {tool.pk}: kept 99 ships, 6 skips, 0 quarantined; the votes say 6 ships" in out
    assert f"tally {other.pk}: kept none; the votes say 0 ships, 1 skips" in out
    call_command("check_tallies", mend=True)
    capsys.readouterr()
    call_command("check_tallies")
    assert capsys.readouterr().out == "All tallies equal the votes: 2.\n"


def test_the_check_finds_what_lists_order_by_and_is_old():
    crowd(delta(), 12)
    Tally.objects.update(rank=0.99)
    with pytest.raises(CommandError):
        call_command("check_tallies")
    call_command("check_tallies", mend=True)


def test_the_commands_say_what_they_did(capsys):
    tool = delta()
    crowd(tool, BURST + 2)
    later(TOMORROW)
    call_command("sweep_votes")
    call_command("purge_votes")
    assert capsys.readouterr().out == (
        "Votes released: 2, rejected: 0.\nDeleted: 0 day keys, 0 address hashes.\n"
    )
