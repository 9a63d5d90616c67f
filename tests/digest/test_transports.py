"""Bytes on their way to an SMTP server: whether a mail was certainly sent, or certainly not."""

import pytest

from comparisons.digest.replies import Outcome
from comparisons.digest.transports import (
    NoConnectionError,
    NotSentError,
    SmtpTransport,
    UnclearError,
    new_transport,
)
from tests.digest.sink import Rule

TO = "ada@example.org"


class Plain:
    """A letter of so many bytes."""

    def __init__(self, size=200):
        self.size = size

    def bytes_for(self, address, subscriber):
        line = b"x" * 70 + b"\r\n"
        head = b"Message-ID: <1@example.org>\r\n\r\n"
        return head + line * (self.size // len(line)) + b".\r\n"


@pytest.fixture
def transport(outgoing):
    transport = new_transport()
    assert isinstance(transport, SmtpTransport)
    yield transport
    transport.close()


def send(transport, letter=None):
    transport.open()
    return transport.send(letter or Plain(), TO, 1, 1)


def test_mails_go_one_after_the_other_over_one_connection(transport, outgoing):
    for _ in range(3):
        assert send(transport).outcome == Outcome.SENT
    assert outgoing.counts() == {TO: 3}
    assert len({mail.connection for mail in outgoing.accepted()}) == 1


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot"])
def test_after_a_refusal_the_connection_serves_the_next_mail(step, transport, outgoing):
    transport.open()
    nobody_else = Rule("connect", reply="554 No other connection")
    outgoing.script(Rule(step, reply="450 4.2.0 Later", times=1), nobody_else)
    assert transport.send(Plain(), TO, 1, 1).outcome == Outcome.LATER
    assert transport.send(Plain(), TO, 1, 1).outcome == Outcome.SENT


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot"])
def test_after_421_there_is_no_connection_any_more(step, transport, outgoing):
    outgoing.script(Rule(step, reply="421 4.3.2 Shutting down", times=1))
    assert send(transport).outcome == Outcome.SLOW
    with pytest.raises(NoConnectionError):
        transport.send(Plain(), TO, 1, 1)
    assert send(transport).outcome == Outcome.SENT


def test_a_connection_that_is_closed_while_the_mail_is_on_its_way_has_not_sent_it(
    transport, outgoing
):
    outgoing.script(Rule("body", drop=True))
    # Too much for the buffers on the way: the end of it, with the final dot, is still here.
    with pytest.raises(NotSentError) as raised:
        send(transport, Plain(30_000_000))
    assert type(raised.value) is NotSentError
    assert not outgoing.accepted()


@pytest.mark.parametrize("accept", [True, False])
def test_a_connection_that_is_closed_after_the_final_dot_leaves_it_open(
    accept, transport, outgoing
):
    outgoing.script(Rule("dot", drop=True, accept=accept))
    with pytest.raises(UnclearError):
        send(transport)
    assert len(outgoing.accepted()) == accept


def test_what_is_no_answer_leaves_it_open_after_the_final_dot(transport, outgoing):
    outgoing.script(Rule("dot", reply="Hello?", accept=True))
    with pytest.raises(UnclearError):
        send(transport)


@pytest.mark.parametrize("step", ["rcpt", "data"])
def test_what_is_no_answer_before_that_has_sent_nothing(step, transport, outgoing):
    outgoing.script(Rule(step, reply="Hello?"))
    with pytest.raises(NotSentError) as raised:
        send(transport)
    assert type(raised.value) is NotSentError


def test_a_connection_closed_before_the_mail_was_begun_is_none(transport, outgoing):
    send(transport)
    outgoing.script(Rule("mail", drop=True))
    with pytest.raises(NoConnectionError):
        transport.send(Plain(), TO, 1, 1)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("554 5.7.1 Blocklisted", Outcome.BLOCKED),
        ("421 4.7.0 Too many connections", Outcome.SLOW),
        ("450 Not now", Outcome.LATER),
    ],
)
def test_a_server_that_does_not_let_us_in_says_why(reply, outcome, transport, outgoing):
    outgoing.script(Rule("connect", reply=reply))
    with pytest.raises(NoConnectionError) as raised:
        transport.open()
    assert raised.value.reply.outcome == outcome
    assert str(raised.value) == reply


def test_a_server_without_the_encryption_that_is_asked_for_gets_nothing(
    transport, outgoing, settings
):
    settings.EMAIL_USE_TLS = True
    with pytest.raises(NoConnectionError) as raised:
        transport.open()
    assert raised.value.reply.outcome == Outcome.BLOCKED
    assert not outgoing.accepted()


def test_closing_a_connection_that_the_server_has_closed_is_no_matter(transport, outgoing):
    send(transport)
    outgoing.go_away()
    transport.close()
    transport.close()
