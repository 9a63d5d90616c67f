"""Confirm mails over a real connection to a mail server that misbehaves."""

import pytest
from django.utils import timezone

from comparisons.digest.consent import answer_sign_ups, ask
from comparisons.digest.models import SignUp, Subscriber
from tests.digest.sink import Rule

pytestmark = pytest.mark.django_db
PEOPLE = [f"somebody{number}@example.org" for number in range(6)]


@pytest.fixture(autouse=True)
def _people():
    for address in PEOPLE:
        ask(address, [], "/", None)


def answer_until_nobody_waits():
    """Answer again and again, as a worker does each minute, however long the waits are."""
    for _ in range(20):
        SignUp.objects.filter(answered_at=None).update(next_try=timezone.now())
        answer_sign_ups()
    assert not SignUp.objects.filter(answered_at=None).exists()
    assert not SignUp.objects.exclude(email="").exists()


def test_everybody_gets_one_over_one_connection(outgoing):
    assert answer_sign_ups() == 6
    assert outgoing.counts() == dict.fromkeys(PEOPLE, 1)
    assert len({mail.connection for mail in outgoing.accepted()}) == 1


@pytest.mark.parametrize(
    "rule",
    [
        Rule("connect", reply="421 4.3.2 Not now", times=2),
        Rule("connect", drop=True, times=2),
        Rule("mail", reply="421 4.7.0 Go away", every=3, times=3),
        Rule("mail", reply="450 4.7.1 Later", every=3, times=3),
        Rule("mail", reply="554 5.7.1 Not from you", every=3, times=3),
        Rule("mail", drop=True, every=3, times=3),
        Rule("rcpt", reply="450 4.2.0 Greylisted", every=3, times=3),
        Rule("rcpt", reply="421 4.7.0 Too many", every=3, times=3),
        Rule("rcpt", drop=True, every=3, times=3),
        Rule("data", reply="451 4.3.0 Later", every=3, times=3),
        Rule("dot", reply="452 4.3.1 Full", every=3, times=3),
        Rule("dot", reply="554 5.7.1 Spam", every=3, times=3),
    ],
    ids=lambda rule: f"{rule.step} {rule.reply or 'drop'}",
)
def test_what_a_server_refuses_for_now_reaches_everybody_in_the_end_and_once(outgoing, rule):
    outgoing.script(rule)
    answer_until_nobody_waits()
    assert outgoing.counts() == dict.fromkeys(PEOPLE, 1)


@pytest.mark.parametrize("taken", [True, False])
def test_after_a_connection_lost_at_the_end_nobody_is_mailed_twice(outgoing, taken):
    outgoing.script(Rule("dot", drop=True, accept=taken, every=3, times=2))
    answer_until_nobody_waits()
    counts = outgoing.counts()
    assert max(counts.values()) == 1
    assert len(counts) == (6 if taken else 4)
    assert Subscriber.objects.filter(confirm_sent_at=None).count() == 0


def test_who_does_not_exist_is_tried_once(outgoing):
    outgoing.script(Rule("rcpt", reply="550 5.1.1 No such user", recipient="somebody2"))
    answer_until_nobody_waits()
    assert outgoing.counts() == {address: 1 for address in PEOPLE if address != PEOPLE[2]}
