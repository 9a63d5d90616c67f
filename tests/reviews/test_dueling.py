"""Which one would you ship with: one answer for each pair and voter, counted exactly."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from reviews import moderation
from reviews.dueling import cast_duel
from reviews.duels import Choice, Duel, DuelTally
from reviews.purging import purge
from reviews.retention import ADDRESS_HASH
from reviews.screening import ADDRESS_LIMIT, FLOOD, HOUSEHOLD
from reviews.sweeping import sweep, tallies_to_sweep
from reviews.tallies import DuelCount
from reviews.votes import Ruling, Standing, Suspicion
from reviews.voting import release_returning
from tests.cast import make_tool
from tools.models import Tool
from tools.status import Status

LEFT, RIGHT, NEITHER = Choice
ANN = UUID(int=1)


@pytest.fixture
def pair(db):
    return make_tool("one").pk, make_tool("other").pk


def count():
    return DuelTally.objects.get().count


def test_a_choice_is_counted(pair):
    done = cast_duel(*pair, ANN, LEFT)
    assert (done.change, done.before, done.choice) == ("cast", None, LEFT)
    assert done.count == count() == DuelCount(1, 0, 0)


def test_the_same_choice_again_changes_nothing(pair):
    cast_duel(*pair, ANN, NEITHER)
    before = Duel.objects.values().get()
    assert cast_duel(*pair, ANN, NEITHER).change == "unchanged"
    assert Duel.objects.values().get() == before
    assert count() == DuelCount(0, 0, 1)


def test_a_change_moves_one_from_one_choice_to_the_other(pair):
    cast_duel(*pair, uuid4(), LEFT)
    cast_duel(*pair, ANN, LEFT)
    done = cast_duel(*pair, ANN, RIGHT)
    assert (done.change, done.before, done.count) == ("changed", LEFT, DuelCount(1, 1, 0))
    assert cast_duel(*pair, ANN, NEITHER).count == count() == DuelCount(1, 0, 1)


def test_a_retracted_choice_is_gone(pair):
    cast_duel(*pair, ANN, RIGHT)
    done = cast_duel(*pair, ANN, None)
    assert (done.change, done.before, done.choice) == ("retracted", RIGHT, None)
    assert not Duel.objects.exists()
    assert count() == DuelCount()
    assert cast_duel(*pair, ANN, None).change == "unchanged"


@pytest.mark.parametrize("status", [Status.DRAFT, Status.WITHDRAWN])
def test_nobody_chooses_what_readers_cannot_see(pair, status):
    hidden = make_tool("hidden", status=status)
    with pytest.raises(Tool.DoesNotExist):
        cast_duel(pair[0], hidden.pk, ANN, LEFT)
    assert not DuelTally.objects.exists()


def test_a_tool_is_not_put_against_itself(pair):
    with pytest.raises(Tool.DoesNotExist):
        cast_duel(pair[0], pair[0], ANN, LEFT)


def test_the_database_refuses_a_pair_in_the_wrong_order(pair):
    with pytest.raises(IntegrityError, match="in_order"), transaction.atomic():
        cast_duel(pair[1], pair[0], ANN, LEFT)


def test_the_database_refuses_a_second_choice(pair):
    cast_duel(*pair, ANN, LEFT)
    with pytest.raises(IntegrityError, match="one_per_pair_and_voter"), transaction.atomic():
        Duel.objects.create(tally=DuelTally.objects.get(), voter=ANN, choice=RIGHT)


def test_the_database_refuses_an_unknown_choice(pair):
    cast_duel(*pair, ANN, LEFT)
    with pytest.raises(IntegrityError, match="choice_known"), transaction.atomic():
        Duel.objects.update(choice="both")


def test_a_household_has_its_say_and_more_from_one_address_waits(pair):
    for _ in range(HOUSEHOLD):
        assert cast_duel(*pair, uuid4(), LEFT, address=b"home").quarantined is None
    done = cast_duel(*pair, uuid4(), LEFT, address=b"home")
    assert done.quarantined.suspicion == Suspicion.ADDRESS
    assert done.count == count() == DuelCount(HOUSEHOLD, 0, 0)
    assert DuelTally.objects.get().quarantined == 1


def test_one_address_does_not_answer_everything_within_an_hour(pair):
    left = pair[0]
    for number in range(ADDRESS_LIMIT):
        other = make_tool(f"tool-{number}").pk
        assert not cast_duel(left, other, ANN, LEFT, address=b"desk").quarantined
    assert cast_duel(*pair, ANN, LEFT, address=b"desk").quarantined.suspicion == Suspicion.ADDRESS


def test_a_flood_of_one_choice_waits(pair):
    for _ in range(FLOOD - 1):
        cast_duel(*pair, uuid4(), RIGHT)
    assert cast_duel(*pair, uuid4(), RIGHT).quarantined.suspicion == Suspicion.FLOOD


def test_a_waiting_choice_can_be_changed_and_taken_back(pair):
    for _ in range(HOUSEHOLD):
        cast_duel(*pair, uuid4(), LEFT, address=b"home")
    cast_duel(*pair, ANN, LEFT, address=b"home")
    assert cast_duel(*pair, ANN, RIGHT).count == DuelCount(HOUSEHOLD, 0, 0)
    assert DuelTally.objects.get().quarantined == 1
    cast_duel(*pair, ANN, None)
    assert DuelTally.objects.get().quarantined == 0


def test_a_choice_without_a_cookie_counts_once_its_voter_is_back(pair):
    cast_duel(*pair, uuid4(), LEFT, address=b"home", without_cookie=True)
    cast_duel(*pair, ANN, LEFT, address=b"home", without_cookie=True)
    assert count() == DuelCount(1, 0, 0)
    release_returning(ANN)
    assert count() == DuelCount(2, 0, 0)
    assert Duel.objects.get(voter=ANN).standing == Standing.COUNTED


@pytest.mark.django_db(transaction=True)
def test_choices_of_many_at_once_are_counted_exactly():
    pairs = [(make_tool(f"a-{n}").pk, make_tool(f"b-{n}").pk) for n in range(2)]

    def client(seed):
        dice = Random(seed)
        try:
            for _ in range(40):
                voter = UUID(int=dice.randrange(12))
                cast_duel(*dice.choice(pairs), voter, dice.choice([*Choice, None]))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(client, range(8)))
    assert DuelTally.objects.count() == 2
    for tally in DuelTally.objects.all():
        counted = tally.duels.filter(standing=Standing.COUNTED)
        assert tally.tallied == {choice: counted.filter(choice=choice).count() for choice in Choice}
        assert tally.quarantined == tally.duels.filter(standing=Standing.QUARANTINED).count()


# What decides on choices, counts them again and forgets where they came from


def night():
    return sweep(tallies_to_sweep(), timezone.now() + timedelta(days=1))


def test_the_night_releases_a_household_that_chose_elsewhere_too(pair):
    left = pair[0]
    for number in range(ADDRESS_LIMIT):
        cast_duel(left, make_tool(f"tool-{number}").pk, ANN, LEFT, address=b"desk")
    cast_duel(*pair, ANN, LEFT, address=b"desk")
    assert night().released == 1
    assert DuelTally.objects.get(left=pair[0], right=pair[1]).count == DuelCount(1, 0, 0)
    assert Ruling.objects.get().subject == "One or Other"


@pytest.mark.parametrize("choice", Choice)
def test_the_night_rejects_a_flood_of_one_choice(pair, choice):
    for number in range(FLOOD + 4):
        cast_duel(*pair, uuid4(), choice, address=number.to_bytes(16))
    assert night().rejected == 5
    assert not DuelTally.objects.exclude(quarantined=0).exists()
    assert f"44 of 44 say {choice}, from 44 addresses" in Ruling.objects.get().reason


def test_editors_reject_choices_which_are_not_counted_any_more(pair):
    cast_duel(*pair, ANN, LEFT)
    cast_duel(*pair, uuid4(), RIGHT)
    root = User.objects.create_superuser("root")
    assert moderation.reject(Duel.objects.filter(voter=ANN), by=root, reason="Made up.") == 1
    assert count() == DuelCount(0, 1, 0)
    assert moderation.release(Duel.objects.all(), by=root) == 1
    assert count() == DuelCount(1, 1, 0)


def test_the_check_finds_a_wrong_tally_and_mends_it(pair, capsys):
    cast_duel(*pair, ANN, LEFT)
    tally = DuelTally.objects.get()
    DuelTally.objects.update(lefts=7, quarantined=2)
    with pytest.raises(CommandError, match="Tallies that differ: 1"):
        call_command("check_tallies")
    assert (
        f"duel tally {tally.pk}: kept 7 lefts, 0 rights, 0 neithers, 2 quarantined; "
        "the votes say 1 lefts, 0 rights, 0 neithers, 0 quarantined"
    ) in capsys.readouterr().out
    call_command("check_tallies", mend=True)
    call_command("check_tallies")
    assert count() == DuelCount(1, 0, 0)


def test_old_address_hashes_are_deleted_and_newer_ones_stay(pair):
    cast_duel(*pair, ANN, LEFT, address=b"home")
    purge(timezone.now() + ADDRESS_HASH - timedelta(minutes=1))
    assert Duel.objects.exclude(address=None).exists()
    purge(timezone.now() + ADDRESS_HASH + timedelta(minutes=1))
    assert not Duel.objects.exclude(address=None).exists()
