"""What becomes of an edition on its way to a mail server, whatever the server answers."""

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from comparisons.digest import consent, editions, lanes, sending, transports
from comparisons.digest.lanes import Lane
from comparisons.digest.models import Delivery, Edition, Standing, Subscriber, Suppression
from comparisons.digest.tasks import look
from tests.digest import cast
from tests.digest.conftest import send_all, stage, statuses
from tests.digest.proof import Verdict, address_of, make_edition, make_subscribers
from tests.digest.sink import Rule

pytestmark = pytest.mark.django_db

GONE = "550 5.1.1 No such user here"


def begin(recipients):
    """Start an edition to so many people and return it."""
    make_subscribers(recipients)
    edition = make_edition()
    editions.start(edition)
    return edition


def the(number):
    """Return the delivery to one of them, counted from 1."""
    return Delivery.objects.get(address=address_of(number))


def rest_is_over():
    Lane.objects.update(resting_until=None)


def hours_pass(hours):
    """Let time pass for what waits for its next try."""
    ago = timedelta(hours=hours)
    Delivery.objects.filter(status="pending").update(next_try=F("next_try") - ago)
    Delivery.objects.exclude(first_try=None).update(first_try=F("first_try") - ago)
    rest_is_over()


def assert_all_is_well(sink):
    verdict = Verdict.of(sink.counts(), Delivery.objects.values_list("address", "status"))
    assert not verdict.faults


class Interruption:
    """Has something happen in the middle of a run: before the mail of this number is sent."""

    def __init__(self, monkeypatch, number, act):
        self.sent = 0
        send = transports.SmtpTransport.send

        def interrupted(transport, *args):
            self.sent += 1
            if self.sent == number:
                act()
            return send(transport, *args)

        monkeypatch.setattr(transports.SmtpTransport, "send", interrupted)


# All goes well


def test_everybody_on_the_list_gets_an_edition_once(outgoing):
    edition = begin(230)
    assert send_all() == 230
    assert outgoing.counts() == {address_of(number): 1 for number in range(1, 231)}
    assert editions.progress(edition).counts == {"sent": 230}
    assert editions.finish(edition)
    assert stage() == "done"
    assert not Lane.objects.exclude(token=None).exists()


def test_each_mail_has_a_name_of_its_own_by_which_a_log_can_be_asked(outgoing):
    begin(20)
    send_all()
    assert len({mail.message_id for mail in outgoing.accepted()} - {"-"}) == 20


def test_the_mails_of_a_slice_go_over_one_connection(outgoing):
    begin(120)
    send_all()
    assert len({mail.connection for mail in outgoing.accepted()[:100]}) == 1


def test_only_who_is_on_the_list_when_it_starts_gets_it(outgoing):
    make_subscribers(6)
    for number, standing in enumerate(
        (Standing.PENDING, Standing.UNSUBSCRIBED, Standing.BOUNCED, Standing.COMPLAINED), 1
    ):
        Subscriber.objects.filter(email=address_of(number)).update(status=standing)
    suppressed = Subscriber.objects.get(email=address_of(5))
    Suppression.objects.create(fingerprint=suppressed.fingerprint, reason="asked")
    editions.start(make_edition())
    Subscriber.objects.filter(email=address_of(1)).update(status=Standing.ACTIVE)  # too late
    send_all()
    assert outgoing.counts() == {address_of(6): 1}
    assert Edition.objects.get().recipients == 1


def test_freezing_twice_doubles_nobody(outgoing):
    edition = begin(10)
    Edition.objects.update(status="paused")
    with editions._locked(edition, "sending") as row, lanes.connection.cursor() as cursor:
        cursor.execute(editions._FREEZE, {"edition": row.pk, "topics": []})
        assert cursor.rowcount == 0
    send_all()
    assert outgoing.counts().total() == 10


def test_two_editions_at_once_go_out_one_after_the_other_to_everybody(outgoing):
    begin(60)
    editions.start(make_edition("2026-W49"))
    send_all()
    assert set(outgoing.counts().values()) == {2}
    weeks = [mail.message_id for mail in outgoing.accepted()]
    assert len(set(weeks)) == 120


# Answers that concern one recipient


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("rcpt", GONE),
        ("rcpt", "550 Requested action not taken: mailbox unavailable"),
        ("rcpt", "551 User not local"),
        ("rcpt", "553 5.1.3 Bad destination mailbox address"),
        ("rcpt", "550 5.2.1 Mailbox disabled"),
        ("dot", "554 5.1.1 Found out late that there is no such user"),
    ],
)
def test_who_does_not_exist_bounces_and_is_written_to_no_more(step, reply, outgoing):
    outgoing.script(Rule(step, reply=reply, recipient="reader-2@"))
    begin(3)
    send_all()
    delivery = the(2)
    assert (delivery.status, delivery.attempts, delivery.reply) == ("bounced", 1, reply)
    assert Subscriber.objects.get(email=address_of(2)).status == Standing.BOUNCED
    assert Suppression.objects.get().reason == "bounced"
    assert stage() == "sending"
    assert Counter(statuses().values()) == {"sent": 2, "bounced": 1}
    assert_all_is_well(outgoing)
    editions.start(make_edition("2026-W49"))
    outgoing.script()
    send_all()
    assert outgoing.counts() == {address_of(1): 2, address_of(3): 2}


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("rcpt", "552 5.2.2 Mailbox full"),
        ("rcpt", "501 Syntax error"),
        ("dot", "552 5.3.4 Message too big"),
        ("dot", "554 5.6.0 Cannot read this"),
        ("dot", "554 Transaction failed"),
        ("dot", "550 5.6.1 Media not supported"),
    ],
)
def test_a_mail_that_is_refused_for_good_fails_and_nobody_is_suppressed(step, reply, outgoing):
    outgoing.script(Rule(step, reply=reply, recipient="reader-2@"))
    begin(3)
    send_all()
    assert (the(2).status, the(2).reply) == ("failed", reply)
    assert Subscriber.objects.get(email=address_of(2)).status == Standing.ACTIVE
    assert not Suppression.objects.exists()
    assert Counter(statuses().values()) == {"sent": 2, "failed": 1}
    assert_all_is_well(outgoing)


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("rcpt", "450 4.2.0 Greylisted, come back later"),
        ("rcpt", "451 4.3.0 Local error"),
        ("rcpt", "452 4.2.2 Mailbox full for now"),
        ("dot", "451 4.7.1 Try again later"),
        ("mail", "451 4.3.0 Local error"),
    ],
)
def test_what_is_refused_for_now_is_tried_again_in_about_five_minutes(step, reply, outgoing):
    outgoing.script(Rule(step, reply=reply, times=1))
    begin(3)
    before = timezone.now()
    assert send_all() == 3
    first = the(1)
    assert (first.status, first.attempts, first.reply) == ("pending", 1, reply)
    assert timedelta(minutes=4) <= first.next_try - before <= timedelta(minutes=6.1)
    assert Counter(statuses().values()) == {"sent": 2, "pending": 1}
    hours_pass(0.11)
    assert send_all() == 1
    assert (the(1).status, the(1).attempts, the(1).reply) == ("sent", 2, "")
    assert_all_is_well(outgoing)


def test_each_further_try_waits_twice_as_long_until_two_days_are_over(outgoing):
    outgoing.script(Rule("rcpt", reply="450 4.2.0 Later"))
    begin(1)
    waited, waits = timedelta(0), []
    while the(1).status == "pending":
        before = timezone.now()
        assert send_all() == 1
        if the(1).status == "pending":
            waits.append(the(1).next_try - before)
            waited += waits[-1]
            hours_pass(waits[-1] / timedelta(hours=1) + 0.01)
    assert the(1).status == "failed"
    assert the(1).reply == "450 4.2.0 Later"
    assert timedelta(hours=47) < waited < timedelta(hours=49)
    for number, wait in enumerate(waits[:-1]):
        plain = timedelta(minutes=5) * 2**number
        assert plain * 0.79 < wait < plain * 1.21 + timedelta(seconds=1)
    assert Subscriber.objects.get().status == Standing.ACTIVE


def test_a_worker_whose_clock_is_days_fast_gives_nothing_up_and_starts_nothing(
    outgoing, monkeypatch
):
    waiting = cast.edition(status="approved", starts_at=timezone.now() + timedelta(hours=1))
    begin(1)
    outgoing.script(Rule("rcpt", reply="450 4.2.1 Later"))
    send_all()
    hours_pass(1)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(days=3))
    look()
    waiting.refresh_from_db()
    assert waiting.status == "approved"
    send_all()
    [delivery] = Delivery.objects.all()
    assert (delivery.status, delivery.attempts) == ("pending", 2)
    assert delivery.next_try - now < timedelta(hours=1)


def test_what_is_tried_again_does_not_come_back_all_at_once():
    now = timezone.now()
    moments = {sending.retry_at(0, now) for _ in range(50)}
    assert max(moments) - min(moments) > timedelta(seconds=30)


# Answers that concern us


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("rcpt", "550 5.7.1 Message rejected as spam by policy"),
        ("rcpt", "554 5.7.1 Relay access denied"),
        ("dot", "550 5.7.26 Unauthenticated mail is not accepted"),
        ("mail", "550 5.7.1 Sender refused"),
        ("mail", "553 5.1.8 Sender address has bad system"),
        ("mail", "550 We do not know you"),
        ("connect", "554 5.7.1 Your address is on a blocklist"),
        ("rcpt", "530 5.7.0 Authentication required"),
    ],
)
def test_a_server_that_will_not_have_us_pauses_everything_and_blames_nobody(step, reply, outgoing):
    outgoing.script(Rule(step, reply=reply))
    edition = begin(5)
    send_all()
    edition.refresh_from_db()
    assert edition.status == "paused"
    assert reply in edition.pause_reason
    assert set(statuses().values()) == {"pending"}
    assert not Suppression.objects.exists()
    assert not Subscriber.objects.exclude(status=Standing.ACTIVE).exists()
    outgoing.script()
    go_on(edition)
    hours_pass(1)
    send_all()
    assert_all_is_well(outgoing)


def go_on(edition):
    editions.resume(edition)
    rest_is_over()
    send_all()
    edition.refresh_from_db()
    return edition.status


@pytest.mark.parametrize("step", ["rcpt", "dot"])
def test_one_recipients_policy_stops_everybody_once_and_fails_the_second_time(step, outgoing):
    refusal = "550 5.7.1 We take nothing from you"
    outgoing.script(Rule(step, reply=refusal, recipient=address_of(2)))
    edition = begin(5)
    send_all()
    assert stage() == "paused"
    assert go_on(edition) == "sending"
    assert statuses() == dict.fromkeys(map(address_of, (1, 3, 4, 5)), "sent") | {
        address_of(2): "pending"
    }
    hours_pass(1)
    send_all()
    assert (stage(), the(2).status, the(2).reply) == ("sending", "failed", refusal)
    assert not Suppression.objects.exists()
    assert_all_is_well(outgoing)


def test_who_is_refused_first_is_tried_last_so_that_nobody_fails_while_it_is_about_us(outgoing):
    edition = begin(5)
    outgoing.script(Rule("rcpt", reply="554 5.7.1 Relay access denied"))
    send_all()
    for _ in range(4):
        assert go_on(edition) == "paused"
    assert set(statuses().values()) == {"pending"}
    outgoing.script()
    go_on(edition)
    hours_pass(1)
    send_all()
    assert set(statuses().values()) == {"sent"}
    assert_all_is_well(outgoing)


@pytest.mark.parametrize("step", ["connect", "mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("reply", ["421 4.7.0 Too much, go away", "454 4.7.0 Slow down"])
def test_who_asks_too_much_rests_and_the_mail_is_due_again_as_if_untried(step, reply, outgoing):
    begin(5)
    outgoing.script(Rule(step, reply=reply, every=1 if step == "connect" else 3, times=1))
    before = timezone.now()
    assert send_all() == (0 if step == "connect" else 2)
    waiting = Delivery.objects.filter(status="pending")
    assert waiting.count() == (5 if step == "connect" else 3)
    assert set(waiting.values_list("attempts", flat=True)) == {0}
    lane = Lane.objects.get()
    assert lane.resting_until - before >= lanes.REST
    assert reply in lane.trouble
    rest_is_over()
    send_all()
    assert outgoing.counts().total() == 5
    assert_all_is_well(outgoing)


def test_a_lane_rests_longer_each_time_and_forgets_that_when_mail_gets_through(outgoing):
    begin(3)
    outgoing.script(Rule("mail", reply="421 4.7.0 Go away", times=3))
    rests = []
    for _ in range(3):
        send_all()
        rests.append(Lane.objects.get().resting_until - timezone.now())
        rest_is_over()
    assert 1.7 < rests[1] / rests[0] < 2.3
    assert 1.7 < rests[2] / rests[1] < 2.3
    send_all()
    assert (Lane.objects.get().strikes, Lane.objects.get().trouble) == (0, "")


@pytest.mark.parametrize("step", ["rcpt", "dot"])
def test_an_edition_pauses_when_more_than_two_in_a_hundred_fail_for_good(step, outgoing):
    # 1 in 25 is four in a hundred.
    outgoing.script(Rule(step, reply="554 5.6.0 No", every=25))
    edition = begin(700)
    send_all()
    edition.refresh_from_db()
    assert edition.status == "paused"
    assert "20 of the last 1,000" in edition.pause_reason
    failed = edition.deliveries.counts()["failed"]
    assert 20 < failed <= 20 + lanes.WINDOW
    assert edition.deliveries.counts()["pending"] >= 100
    editions.resume(edition)
    outgoing.script()
    send_all()
    assert_all_is_well(outgoing)


def test_failures_count_also_where_the_server_hangs_up_because_of_them(outgoing):
    # As Postfix does after 20 (smtpd_hard_error_limit); a window has 50.
    outgoing.script(
        Rule("mail", reply="421 4.7.0 Too many errors", every=15), Rule("rcpt", reply=GONE)
    )
    begin(60)
    for _ in range(3):
        send_all()
        rest_is_over()
    assert stage() == "paused"
    assert Counter(statuses().values()) == {"bounced": 28, "pending": 32}


def test_a_lane_that_is_hung_up_on_after_some_mails_does_not_rest_longer_each_time(outgoing):
    begin(12)
    outgoing.script(Rule("mail", reply="421 4.7.0 Enough for this connection", every=4))
    for _ in range(3):
        send_all()
        assert Lane.objects.get().resting_until - timezone.now() <= lanes.REST
        rest_is_over()


def test_two_in_a_hundred_that_fail_for_good_are_no_reason_to_pause(outgoing):
    outgoing.script(Rule("rcpt", reply=GONE, every=55))
    begin(1200)
    send_all()
    assert stage() == "sending"
    assert Counter(statuses().values()) == {"sent": 1179, "bounced": 21}


# Connections that fail


def test_a_mail_server_that_is_not_there_loses_nothing_and_counts_as_no_attempt(outgoing):
    outgoing.go_away()
    edition = begin(7)
    assert send_all() == 0
    assert set(Delivery.objects.values_list("status", "attempts")) == {("pending", 0)}
    trouble = editions.progress(edition).troubles[0]
    assert "refused" in trouble.text
    assert trouble.until > timezone.now()
    assert stage() == "sending"
    outgoing.come_back()
    assert send_all() == 0, "the lane rests"
    rest_is_over()
    assert send_all() == 7
    assert_all_is_well(outgoing)


@pytest.mark.parametrize("accept", [True, False])
def test_a_connection_lost_after_the_final_dot_leaves_one_unknown_that_is_not_sent_again(
    accept, outgoing
):
    outgoing.script(Rule("dot", drop=True, accept=accept, recipient="reader-3@"))
    edition = begin(5)
    send_all()
    rest_is_over()
    send_all()
    assert Counter(statuses().values()) == {"sent": 4, "unknown": 1}
    assert the(3).status == "unknown"
    assert outgoing.counts()[address_of(3)] == int(accept)
    assert editions.finish(edition), "what is unknown holds nobody up"
    assert_all_is_well(outgoing)


def test_an_answer_that_does_not_come_in_time_leaves_one_unknown(outgoing, settings):
    settings.EMAIL_TIMEOUT = 0.3
    outgoing.script(Rule("dot", stall=2, accept=True, recipient="reader-3@"))
    begin(5)
    send_all()
    rest_is_over()
    send_all()
    assert Counter(statuses().values()) == {"sent": 4, "unknown": 1}
    assert outgoing.counts().total() == 5


@pytest.mark.parametrize("step", ["rcpt", "data"])
def test_a_connection_lost_before_the_final_dot_leaves_the_mail_due_again(step, outgoing):
    outgoing.script(Rule(step, drop=True, recipient="reader-3@", times=1))
    begin(5)
    send_all()
    rest_is_over()
    send_all()
    assert the(3).status == "pending"
    hours_pass(1)
    send_all()
    assert Counter(statuses().values()) == {"sent": 5}
    assert outgoing.counts().total() == 5


def test_a_connection_that_the_server_closed_between_two_mails_is_opened_anew(outgoing):
    outgoing.script(Rule("mail", drop=True, after=4))
    begin(12)
    send_all()
    assert Counter(Delivery.objects.values_list("status", "attempts")) == {("sent", 1): 12}
    assert len({mail.connection for mail in outgoing.accepted()}) == 3


def test_a_server_that_closes_every_connection_at_once_makes_the_lane_rest(outgoing):
    outgoing.script(Rule("mail", drop=True))
    begin(5)
    assert send_all() == 0
    assert set(Delivery.objects.values_list("status", "attempts")) == {("pending", 0)}
    assert Lane.objects.get().resting_until > timezone.now()


# What is unknown


def lose_one(sink):
    sink.script(Rule("dot", drop=True, accept=True, recipient="reader-2@"))
    edition = begin(3)
    send_all()
    rest_is_over()
    send_all()
    sink.script()
    editions.finish(edition)
    assert the(2).status == "unknown"
    return edition


def test_an_editor_who_says_that_an_unknown_mail_arrived_has_it_counted_as_sent(outgoing):
    edition = lose_one(outgoing)
    assert editions.settle_unknown(edition.deliveries.all(), as_sent=True) == 1
    send_all()
    assert Counter(statuses().values()) == {"sent": 3}
    assert outgoing.counts().total() == 3


def test_an_editor_may_have_an_unknown_mail_sent_again(outgoing):
    edition = lose_one(outgoing)
    assert stage() == "done"
    assert editions.settle_unknown(edition.deliveries.all(), as_sent=False) == 1
    hours_pass(0.1)
    assert send_all() == 1
    assert outgoing.counts()[address_of(2)] == 2, "as they wished"
    editions.finish(edition)
    assert stage() == "done"


# Somebody changes their mind


def test_who_leaves_during_the_run_gets_nothing_from_the_next_window_on(outgoing, monkeypatch):
    edition = begin(120)

    def leave():
        for number in (60, 110):
            consent.leave(Subscriber.objects.get(email=address_of(number)).pk)

    Interruption(monkeypatch, 10, leave)
    send_all()
    assert Counter(statuses().values()) == {"sent": 118, "left": 2}
    assert not outgoing.counts()[address_of(60)]
    assert not outgoing.counts()[address_of(110)]
    assert editions.finish(edition)
    assert_all_is_well(outgoing)


def test_who_is_suppressed_or_deleted_during_the_run_gets_nothing_either(outgoing, monkeypatch):
    begin(120)

    def go():
        suppressed = Subscriber.objects.get(email=address_of(60))
        Suppression.objects.create(fingerprint=suppressed.fingerprint, reason="complained")
        Subscriber.objects.filter(email=address_of(110)).delete()
        Subscriber.objects.filter(email=address_of(115)).update(status=Standing.COMPLAINED)

    Interruption(monkeypatch, 10, go)
    send_all()
    assert Counter(statuses().values()) == {"sent": 117, "left": 3}
    assert outgoing.counts().total() == 117


@pytest.mark.parametrize(("act", "end"), [("pause", "paused"), ("cancel", "cancelled")])
def test_pausing_and_cancelling_stop_after_the_window_at_most(act, end, outgoing, monkeypatch):
    edition = begin(300)
    Interruption(monkeypatch, 60, lambda: getattr(editions, act)(edition))
    send_all()
    assert stage() == end
    sent = outgoing.counts().total()
    assert 60 <= sent <= 60 + lanes.WINDOW
    assert editions.progress(edition).counts == {"sent": sent, "pending": 300 - sent}
    assert send_all() == 0
    if act == "pause":
        editions.resume(edition)
        assert send_all() == 300 - sent
        assert_all_is_well(outgoing)


def test_a_worker_that_is_told_to_end_stops_after_the_mail_in_hand(outgoing, monkeypatch):
    begin(100)
    Interruption(monkeypatch, 20, sending.stopping.set)
    send_all()
    assert outgoing.counts().total() == 20
    assert Counter(statuses().values()) == {"sent": 20, "pending": 80}
    assert not Lane.objects.exclude(token=None).exists()
    sending.stopping.clear()
    assert send_all() == 80
    assert_all_is_well(outgoing)


# Pace


def test_the_rate_is_kept(outgoing, settings):
    settings.DIGEST_RATE = 50
    begin(26)
    send_all()
    moments = [mail.at for mail in outgoing.accepted()]
    assert moments[-1] - moments[0] >= 25 / 50 * 0.8


class Clock:
    """A clock that only waiting moves on."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(sending, "time", self)
        monkeypatch.setattr(sending, "stopping", self)

    def monotonic(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds

    def is_set(self):
        return False


def test_each_lane_has_its_share_of_the_rate(outgoing, settings, monkeypatch):
    settings.DIGEST_RATE, settings.DIGEST_LANES = 50, 5
    clock = Clock(monkeypatch)
    begin(6)
    assert sending.send_slice() == 6  # one lane
    assert clock.now - 100 == pytest.approx(5 * 5 / 50)
    assert outgoing.counts().total() == 6


def test_a_low_rate_makes_the_first_window_small_so_that_a_pause_is_heard_soon(
    outgoing, settings, monkeypatch
):
    monkeypatch.setattr(sending, "WINDOW_TIME", 0.2)
    settings.DIGEST_RATE = 20
    edition = begin(30)
    Interruption(monkeypatch, 2, lambda: editions.pause(edition))
    send_all()
    assert outgoing.counts().total() == 4


def test_a_slow_server_gets_smaller_windows_so_that_a_pause_is_heard_soon(outgoing, monkeypatch):
    monkeypatch.setattr(sending, "WINDOW_TIME", 0.1)
    monkeypatch.setattr(lanes, "WINDOW", 5)
    sizes = []
    turn = lanes.Hold.turn

    def seen(hold, accepted, size, *counts):
        window = turn(hold, accepted, size, *counts)
        sizes.append(len(window))
        return window

    monkeypatch.setattr(lanes.Hold, "turn", seen)
    outgoing.begin_anew(delay=0.01)
    begin(12)
    send_all()
    assert sizes[0] == 5
    assert max(sizes[1:]) <= 2


def test_a_slice_ends_after_a_while_to_make_room_for_other_jobs(outgoing, monkeypatch):
    monkeypatch.setattr(sending, "SLICE", 60)
    begin(150)
    assert sending.send_slice() == 100
    assert sending.send_slice() == 50


# Faults of ours


def test_a_fault_while_a_mail_is_made_pauses_the_edition_and_says_so(outgoing, monkeypatch):
    edition = begin(5)

    def fail(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(sending.Letter, "of", fail)
    with pytest.raises(RuntimeError):
        send_all()
    edition.refresh_from_db()
    assert edition.status == "paused"
    assert "RuntimeError" in edition.pause_reason
    assert set(statuses().values()) == {"pending"}, "nothing was on its way"
    assert not Lane.objects.exclude(token=None).exists()


def test_a_fault_with_one_mail_counts_it_as_unknown_and_pauses_the_edition(outgoing, monkeypatch):
    edition = begin(5)

    def fail():
        raise RuntimeError("a fault")

    Interruption(monkeypatch, 3, fail)
    with pytest.raises(RuntimeError):
        send_all()
    edition.refresh_from_db()
    assert edition.status == "paused"
    assert Counter(statuses().values()) == {"sent": 2, "unknown": 1, "pending": 2}


# Starting


def test_a_sender_with_nothing_to_do_does_not_disturb_the_server(outgoing):
    start = time.monotonic()
    assert sending.send_slice() == 0
    make_edition()
    assert sending.send_slice() == 0, "approved is not begun"
    assert time.monotonic() - start < 5
    outgoing.script(Rule("connect", reply="554 5.7.1 Nobody should ask"))
    assert sending.send_slice() == 0
    assert stage() == "approved"
