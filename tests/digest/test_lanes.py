"""Lanes: who may send what, and what is known of it when whoever was sending is lost."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from django.db import connection, transaction
from django.utils import timezone

from comparisons.digest import editions, lanes
from comparisons.digest.lanes import Cursor, Lane, LaneLostError
from comparisons.digest.models import Delivery
from tests.digest.proof import make_edition, make_subscribers

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


@pytest.fixture
def lots(settings):
    """An edition to forty people has begun, and there is one lane."""
    settings.DIGEST_LANES = 1
    return begin(40)


def begin(recipients):
    make_subscribers(recipients)
    edition = make_edition()
    editions.start(edition)
    return edition


def fall_silent():
    """Let every holder have been silent for long."""
    long_ago = timezone.now() - ONE_DAY
    Lane.objects.update(held_at=long_ago)
    Cursor.objects.update(moved_at=long_ago)


def postgres_crashes():
    """Lose what Postgres loses then: what is in unlogged tables."""
    Cursor.objects.all().delete()


def counts():
    return +Counter(Delivery.objects.values_list("status", flat=True))


def status_of(due):
    return Delivery.objects.get(pk=due.pk).status


def send(hold, window, number):
    """Hand over so many mails of a window; return their keys."""
    for position in range(number):
        hold.advance(position + 1)
    return [due.pk for due in window[:number]]


# Taking


def test_a_lane_is_held_by_one_at_a_time(lots):
    hold = lanes.take()
    assert hold.lane == 0
    assert lanes.take() is None
    hold.release([])
    assert lanes.take().token != hold.token


def test_there_are_as_many_lanes_as_the_setting_says(lots, settings):
    settings.DIGEST_LANES = 3
    assert [lanes.take().lane for _ in range(3)] == [0, 1, 2]
    assert lanes.take() is None


def test_windows_of_two_lanes_have_nothing_in_common(lots, settings):
    settings.DIGEST_LANES = 2
    first, second = lanes.take(), lanes.take()
    mine, yours = first.turn([], 15), second.turn([], 15)
    assert not {due.pk for due in mine} & {due.pk for due in yours}
    assert counts() == {"sending": 30, "pending": 10}


def test_a_lane_that_rests_is_not_taken(lots):
    lanes.take().release([], "421 Go away")
    assert lanes.take() is None
    assert lanes.free_lanes() == 0
    Lane.objects.update(resting_until=timezone.now() - timedelta(seconds=1))
    assert lanes.free_lanes() == 1
    assert lanes.take()


def test_a_holder_who_shows_signs_of_life_keeps_its_lane(lots):
    hold = lanes.take()
    window = hold.turn([], 10)
    fall_silent()
    hold.advance(1)
    assert lanes.take() is None
    hold.turn([window[0].pk], 10)


def test_free_lanes_are_counted_only_while_there_is_work(lots, settings):
    settings.DIGEST_LANES = 4
    assert lanes.free_lanes() == 4
    hold = lanes.take()
    assert lanes.free_lanes() == 3
    Delivery.objects.update(status="sent")
    assert lanes.free_lanes() == 0
    fall_silent()
    assert lanes.free_lanes() == 1, "what it left behind is to be settled"
    assert hold.turn([], 10) == []


# Windows


def test_a_turn_writes_down_what_was_accepted_and_puts_back_the_rest(lots):
    hold = lanes.take()
    window = hold.turn([], 10)
    accepted = send(hold, window, 4)
    again = hold.turn(accepted, 100)
    assert counts() == {"sent": 4, "sending": 36}
    assert {due.pk for due in window[4:]} <= {due.pk for due in again}


def test_a_turn_that_is_repeated_because_its_commit_was_lost_gives_a_window_again(lots):
    hold = lanes.take()
    accepted = send(hold, hold.turn([], 10), 10)
    lost = hold.turn(accepted, 10)
    again = hold.turn(accepted, 10)
    assert counts() == {"sent": 10, "sending": 10, "pending": 20}
    assert not {due.pk for due in again} & set(accepted)
    assert hold.release([due.pk for due in again]) is None
    assert counts() == {"sent": 20, "pending": 20}
    assert len(lost) == 10


def test_a_turn_that_was_rolled_back_has_changed_nothing(lots):
    hold = lanes.take()
    accepted = send(hold, hold.turn([], 10), 10)
    with transaction.atomic():
        hold.turn(accepted, 10)
        transaction.set_rollback(True)
    assert counts() == {"sending": 10, "pending": 30}
    hold.turn(accepted, 10)
    assert counts() == {"sent": 10, "sending": 10, "pending": 20}


def test_letting_go_twice_is_as_good_as_once(lots):
    hold = lanes.take()
    accepted = send(hold, hold.turn([], 10), 3)
    hold.release(accepted, "Trouble")
    hold.release(accepted, "Trouble")
    assert counts() == {"sent": 3, "pending": 37}
    assert Lane.objects.get().strikes == 1
    assert set(Delivery.objects.filter(status="sent").values_list("attempts", flat=True)) == {1}


def test_recording_twice_is_as_good_as_once(lots):
    hold = lanes.take()
    window = hold.turn([], 10)
    for _ in range(2):
        assert hold.record(window[0].pk, 1, "failed", "554 No")
    delivery = Delivery.objects.get(pk=window[0].pk)
    assert (delivery.status, delivery.attempts, delivery.reply) == ("failed", 1, "554 No")
    hold.release([])
    assert counts() == {"failed": 1, "pending": 39}


def test_a_window_of_people_who_have_left_is_followed_by_another_one(lots):
    first = Delivery.objects.order_by("pk")[:10]
    for delivery in first:
        delivery.subscriber.status = "unsubscribed"
        delivery.subscriber.save()
    window = lanes.take().turn([], 5)
    assert len(window) == 5
    assert counts() == {"left": 10, "sending": 5, "pending": 25}


def test_nothing_is_opened_of_an_edition_that_is_not_being_sent(lots):
    hold = lanes.take()
    editions.pause(lots)
    assert hold.turn([], 10) == []
    assert not lanes.is_due()
    assert counts() == {"pending": 40}


def test_what_is_due_later_is_not_opened(lots):
    Delivery.objects.update(next_try=timezone.now() + timedelta(hours=1))
    assert lanes.take().turn([], 10) == []


def test_a_window_is_on_disk_before_the_first_mail_whatever_the_operator_has_set(lots):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        lanes.take().turn([], 10)
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


# Holders that are lost


def test_of_a_lost_holder_the_mail_at_its_cursor_is_unknown_and_no_other(lots):
    hold = lanes.take()
    window = hold.turn([], 10)
    send(hold, window, 4)
    fall_silent()
    assert lanes.take()
    assert counts() == {"sent": 4, "unknown": 1, "pending": 35}
    unknown = Delivery.objects.get(status="unknown")
    assert (unknown.pk, unknown.reply) == (window[4].pk, lanes.LOST)
    # When its holder was last heard of is where an editor looks in the server's log.
    assert unknown.ended_at < timezone.now() - ONE_DAY / 2


def test_a_holder_lost_behind_its_window_leaves_nothing_unknown(lots):
    hold = lanes.take()
    send(hold, hold.turn([], 10), 10)
    fall_silent()
    lanes.take()
    assert counts() == {"sent": 10, "pending": 30}


def test_a_holder_lost_before_its_first_window_leaves_nothing_behind(lots):
    lanes.take()
    fall_silent()
    assert lanes.take()
    assert counts() == {"pending": 40}


def test_with_the_cursor_lost_in_a_crash_the_whole_window_is_unknown(lots):
    hold = lanes.take()
    send(hold, hold.turn([], 10), 4)
    postgres_crashes()
    fall_silent()
    assert lanes.take()
    assert counts() == {"unknown": 10, "pending": 30}


def test_a_holder_who_outlives_a_crash_of_postgres_goes_on_and_nothing_is_unknown(lots):
    hold = lanes.take()
    window = hold.turn([], 10)
    send(hold, window, 4)
    postgres_crashes()
    hold.advance(5)
    assert Cursor.objects.get().position == 5
    assert len(hold.turn([due.pk for due in window[:5]], 10)) == 10
    assert counts() == {"sent": 5, "sending": 10, "pending": 25}


@pytest.mark.parametrize("act", ["advance", "turn", "record", "release"])
def test_a_holder_that_wakes_up_after_its_lane_was_taken_over_sends_nothing_more(lots, act):
    hold = lanes.take()
    window = hold.turn([], 10)
    accepted = send(hold, window, 4)
    fall_silent()
    other = lanes.take()
    theirs = other.turn([], 10)
    # What it was sending meanwhile was accepted, and it knows; nobody else does.
    accepted.append(window[4].pk)
    if act == "release":
        hold.release(accepted)
        assert status_of(window[4]) == "sent"
    elif act == "turn":
        with pytest.raises(LaneLostError):
            hold.turn(accepted, 10)
    elif act == "advance":
        with pytest.raises(LaneLostError):
            hold.advance(5)
    else:
        assert not hold.record(window[4].pk, 5, "bounced", "550 5.1.1 Nobody")
        assert status_of(window[4]) == "bounced", "we know better than who took over"
    assert Lane.objects.get().token == other.token
    assert Lane.objects.get().open_window == [due.pk for due in theirs]
    assert Cursor.objects.get().position == 0


def test_what_a_sleeper_knows_to_be_due_again_is_sent_though_the_edition_was_done(settings):
    settings.DIGEST_LANES = 1
    edition = begin(1)
    hold = lanes.take()
    [due] = hold.turn([], 10)
    fall_silent()
    lanes.take().release([])
    assert status_of(due) == "unknown"
    assert editions.finish(edition)
    # It wakes up, and reads that the server said “later”.
    hold.record(due.pk, 1, "pending", "450 4.2.0 Later", timezone.now() - ONE_DAY)
    edition.refresh_from_db()
    assert (edition.status, edition.ended_at) == ("sending", None)
    assert [again.pk for again in lanes.take().turn([], 10)] == [due.pk]


def test_a_lane_that_the_settings_have_done_away_with_is_still_settled(lots, settings):
    settings.DIGEST_LANES = 3
    holds = [lanes.take() for _ in range(3)]
    send(holds[2], holds[2].turn([], 10), 4)
    settings.DIGEST_LANES = 1
    fall_silent()
    assert lanes.free_lanes() >= 3
    for _ in range(3):
        lanes.take().release([])
    assert counts() == {"sent": 4, "unknown": 1, "pending": 35}
    assert lanes.take().lane == 0
    assert lanes.take() is None


def test_what_is_tried_again_in_another_lane_is_not_taken_away_from_it(lots, settings):
    settings.DIGEST_LANES = 2
    slow, other = lanes.take(), lanes.take()
    window = slow.turn([], 1)
    long_ago = timezone.now() - timedelta(hours=1)
    slow.record(window[0].pk, 1, "pending", "450 4.2.0 Later", long_ago)
    theirs = other.turn([], 1)
    assert [due.pk for due in theirs] == [window[0].pk]
    assert theirs[0].pk not in {due.pk for due in slow.turn([], 40)}
    assert status_of(theirs[0]) == "sending"
    other.release([theirs[0].pk])
    assert status_of(theirs[0]) == "sent"


def test_what_is_tried_again_in_another_lane_was_not_sent_by_a_holder_that_is_lost(lots, settings):
    settings.DIGEST_LANES = 2
    lost, other = lanes.take(), lanes.take()
    window = lost.turn([], 1)
    long_ago = timezone.now() - timedelta(hours=1)
    lost.record(window[0].pk, 1, "pending", "450 4.2.0 Later", long_ago)
    theirs = other.turn([], 1)
    fall_silent()
    other.advance(0)
    assert lanes.take().lane == lost.lane
    assert status_of(theirs[0]) == "sending"
    other.record(theirs[0].pk, 1, "failed", "554 No")
    assert status_of(theirs[0]) == "failed"


# Failures


def test_hard_failures_are_counted_among_the_last_thousand_of_all_lanes(lots, settings):
    settings.DIGEST_LANES = 2
    first, second = lanes.take(), lanes.take()
    first.turn([], 1, tried=490, hard=15)
    first.turn([], 1, tried=50, hard=4)
    second.turn([], 1, tried=50, hard=3)
    assert lanes.hard_failures() == 22
    second.turn([], 1, tried=900)
    assert lanes.hard_failures() == 7, "the first fifteen are more than a thousand mails ago"
    second.turn([], 1, tried=200, hard=1)
    assert lanes.hard_failures() == 1
    lanes.forget_failures()
    assert lanes.hard_failures() == 0


def test_a_lane_that_the_settings_have_done_away_with_holds_no_failures_against_an_edition(
    lots, settings
):
    settings.DIGEST_LANES = 2
    first, second = lanes.take(), lanes.take()
    second.turn([], 1, tried=50, hard=10)
    second.release([])
    settings.DIGEST_LANES = 1
    first.turn([], 1, tried=lanes.BLOCK, hard=1)
    assert lanes.hard_failures() == 1


# Any order of events


class Server:
    """A mail server that remembers whom it took mail over for."""

    def __init__(self):
        self.taken = Counter()


class Player:
    """A worker that goes from step to step, and may be lost or fall asleep between any two."""

    def __init__(self, server, dice):
        self.server, self.dice = server, dice
        self.hold = lanes.take()
        self.window, self.position, self.accepted = [], 0, []
        #: What it knows of the mail it has handed over and not written down yet.
        self.answer = None
        self.over = self.hold is None

    def step(self):
        """Do the next thing that `sending` would do."""
        try:
            self._step()
        except LaneLostError:
            self.hold.release(self.accepted)
            self.over = True

    def _step(self):
        if self.answer:
            self._write_down()
        elif self.position < len(self.window) and self.dice.random() < 0.95:
            due = self.window[self.position]
            self.answer = self.dice.choices(
                ["sent", "pending", "later", "failed", "unknown", "unknown, taken"],
                [85, 4, 3, 3, 2, 3],
            )[0]
            if self.answer in ("sent", "unknown, taken"):
                assert not self.server.taken[due.pk], "It was taken over before."
                self.server.taken[due.pk] += 1
        elif self.dice.random() < 0.85:
            size = self.dice.randint(1, 6)
            self.window = self._perhaps_twice(lambda: self.hold.turn(self.accepted, size))
            self.position, self.accepted = 0, []
            if not self.window:
                self._let_go()
        else:
            self._let_go()

    def _write_down(self):
        due, answer, self.answer = self.window[self.position], self.answer, None
        self.position += 1
        if answer == "sent":
            self.accepted.append(due.pk)
            self._perhaps_twice(lambda: self.hold.advance(self.position))
            return
        past = timezone.now() - timedelta(hours=1)
        moment = {"pending": past, "later": timezone.now() + timedelta(hours=1)}.get(answer)
        status = "pending" if moment else answer.split(",")[0]
        record = lambda: self.hold.record(due.pk, self.position, status, answer, moment)  # noqa: E731
        if not self._perhaps_twice(record):
            raise LaneLostError

    def _let_go(self):
        self._perhaps_twice(lambda: self.hold.release(self.accepted))
        self.over = True

    def _perhaps_twice(self, write):
        """Lose the connection now and then: before it was committed, or behind."""
        chance = self.dice.random()
        if chance < 0.05:
            with transaction.atomic():
                write()
                transaction.set_rollback(True)
        elif chance < 0.1:
            write()
        return write()


@pytest.mark.parametrize("seed", range(6))
def test_nobody_is_written_to_twice_or_forgotten_in_any_order_of_events(seed, settings):
    settings.DIGEST_LANES = 3
    dice = Random(seed)
    edition = begin(60)
    server, players, losses = Server(), [], 0
    for _ in range(600):
        players = [player for player in players if not player.over]
        event = dice.random()
        if event < 0.02 and players:
            players.remove(dice.choice(players))  # SIGKILL
            losses += 1
        elif event < 0.05:
            # Everybody was silent too long; who is alive goes on as if nothing had been.
            fall_silent()
            losses += 1
        elif event < 0.055:
            postgres_crashes()
        elif event < 0.06:
            editions.pause(edition)
            editions.resume(edition)
        elif event < 0.15 or not players:
            players.append(Player(server, dice))
        else:
            dice.choice(players).step()
    # All others are lost for good, and one clears up.
    fall_silent()
    for _ in range(500):
        last = Player(server, dice)
        while not last.over:
            last.step()
        Delivery.objects.filter(status="pending").update(next_try=timezone.now() - ONE_DAY)
        if not lanes.free_lanes():
            break
    assert losses > 3
    for pk, status in Delivery.objects.values_list("pk", "status"):
        taken = server.taken[pk]
        assert taken <= 1
        assert (status, taken) in {
            ("sent", 1), ("failed", 0), ("unknown", 0), ("unknown", 1)
        }, f"{status}, taken over {taken} times"  # fmt: skip
    assert counts()["sent"] > 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM digest_lane WHERE open_window <> '{}'")
        assert cursor.fetchone() == (0,)
