from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction

from reviews.scorecards import Verdict
from reviews.tallies import Count
from reviews.votes import Tally, Vote
from reviews.voting import cast_vote
from tests.cast import delta, make_tool
from tools.models import Tool
from tools.status import Status

pytestmark = pytest.mark.django_db

SHIP, SKIP = Verdict.SHIP, Verdict.SKIP
ANN = UUID(int=1)


def count(tool):
    return Tally.objects.get(pk=tool.pk).count


def test_a_vote_is_counted():
    tool = delta()
    done = cast_vote(tool.pk, ANN, SHIP)
    assert (done.change, done.before, done.choice) == ("cast", None, SHIP)
    assert done.count == count(tool) == Count(1, 0)


def test_the_same_vote_again_changes_nothing():
    tool = delta()
    cast_vote(tool.pk, ANN, SHIP)
    before = Vote.objects.values().get()
    assert cast_vote(tool.pk, ANN, SHIP).change == "unchanged"
    assert Vote.objects.values().get() == before
    assert count(tool) == Count(1, 0)


def test_a_change_moves_one_from_one_side_to_the_other():
    tool = delta()
    cast_vote(tool.pk, uuid4(), SHIP)
    cast_vote(tool.pk, ANN, SHIP)
    done = cast_vote(tool.pk, ANN, SKIP)
    assert (done.change, done.before) == ("changed", SHIP)
    assert done.count == count(tool) == Count(1, 1)
    vote = Vote.objects.get(voter=ANN)
    assert vote.changed_at > vote.cast_at


def test_a_retracted_vote_is_gone():
    tool = delta()
    cast_vote(tool.pk, ANN, SHIP)
    done = cast_vote(tool.pk, ANN, None)
    assert (done.change, done.before, done.choice) == ("retracted", SHIP, None)
    assert not Vote.objects.exists()
    assert count(tool) == Count(0, 0)
    assert cast_vote(tool.pk, ANN, None).change == "unchanged"


def test_one_voter_votes_on_every_tool():
    for tool in (delta(), make_tool("epsilon")):
        assert cast_vote(tool.pk, ANN, SHIP).count == Count(1, 0)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.WITHDRAWN])
def test_nobody_votes_on_what_readers_cannot_see(status):
    tool = make_tool("hidden", status=status)
    with pytest.raises(Tool.DoesNotExist):
        cast_vote(tool.pk, ANN, SHIP)
    assert not Vote.objects.exists()
    assert not Tally.objects.exists()


def test_a_withdrawn_tool_takes_no_more_votes_and_keeps_those_it_has():
    tool = delta()
    cast_vote(tool.pk, ANN, SHIP)
    tool.become(Status.WITHDRAWN)
    tool.save()
    with pytest.raises(Tool.DoesNotExist):
        cast_vote(tool.pk, ANN, SKIP)
    assert count(tool) == Count(1, 0)


def test_what_lists_order_by_is_kept_with_the_count():
    tool = delta()
    for number in range(12):
        cast_vote(tool.pk, UUID(int=number), SHIP if number % 3 else SKIP)
    tally = Tally.objects.get(pk=tool.pk)
    said = Count(8, 4)
    assert tally.count == said
    assert (tally.rank, tally.contest, tally.agreement) == (said.rank, said.contest, said.agreement)


@pytest.mark.parametrize(
    ("wrong", "promise"),
    [
        ({"choice": "love"}, "choice_known"),
        ({"standing": "lost"}, "standing_known"),
        ({"suspicion": "looks"}, "suspicion_known"),
        ({"standing": "rejected"}, "suspected_for_something"),
    ],
)
def test_the_database_refuses_votes_that_mean_nothing(wrong, promise):
    facts = {"tool": delta(), "voter": ANN, "choice": "ship"} | wrong
    with pytest.raises(IntegrityError, match=promise), transaction.atomic():
        Vote.objects.create(**facts)


def test_the_database_refuses_a_second_vote():
    tool = delta()
    cast_vote(tool.pk, ANN, SHIP)
    with pytest.raises(IntegrityError, match="one_per_tool_and_voter"), transaction.atomic():
        Vote.objects.create(tool=tool, voter=ANN, choice="skip")
