"""What a server's answer means."""

import pytest

from comparisons.digest.replies import MAX_LENGTH, Outcome, Reply, Step, classify


def meaning(answer, step):
    code, _, text = answer.partition(" ")
    return classify(Reply.read(int(code), text, step))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("250 2.0.0 Queued", Outcome.SENT),
        ("250", Outcome.SENT),
        ("421 4.3.2 Shutting down", Outcome.SLOW),
        ("421", Outcome.SLOW),
        ("454 4.7.0 Temporary authentication failure", Outcome.SLOW),
        ("450 4.2.0 Greylisted", Outcome.LATER),
        ("451", Outcome.LATER),
        ("452 4.2.2 Mailbox full", Outcome.LATER),
        ("450 4.7.1 Policy, for now", Outcome.LATER),
        ("450 4.1.1 Unknown for now", Outcome.LATER),
        ("550 5.1.1 No such user", Outcome.BOUNCED),
        ("550 5.1.10 Null MX", Outcome.BOUNCED),
        ("553 5.1.3 Bad syntax", Outcome.BOUNCED),
        ("554 5.1.2 No such host", Outcome.BOUNCED),
        ("550", Outcome.BOUNCED),
        ("551 Not here", Outcome.BOUNCED),
        ("553", Outcome.BOUNCED),
        ("550 5.7.1 Spam", Outcome.BLOCKED),
        ("554 5.7.1 Relay denied", Outcome.BLOCKED),
        ("550 5.7.26 No SPF", Outcome.BLOCKED),
        ("553 5.1.8 Bad sender domain", Outcome.BLOCKED),
        ("550 5.1.7 Bad sender syntax", Outcome.BLOCKED),
        ("552 5.2.2 Over quota", Outcome.FAILED),
        ("552", Outcome.FAILED),
        ("554 5.6.0 Content", Outcome.FAILED),
        ("550 5.6.1 Media", Outcome.FAILED),
        ("554", Outcome.FAILED),
        ("500 Line too long", Outcome.FAILED),
        ("354 What?", Outcome.LATER),
        ("0 garbage", Outcome.LATER),
    ],
)
@pytest.mark.parametrize("step", [Step.RECIPIENT, Step.MESSAGE])
def test_what_an_answer_about_one_recipient_means(answer, outcome, step):
    assert meaning(answer, step) == outcome


@pytest.mark.parametrize("step", [Step.CONNECT, Step.SENDER])
@pytest.mark.parametrize(
    "answer", ["550 5.1.1 Who?", "550", "535 5.7.8 Wrong password", "554 Go away", "530", "501"]
)
def test_a_final_refusal_before_the_recipient_was_named_is_about_us(answer, step):
    assert meaning(answer, step) == Outcome.BLOCKED


@pytest.mark.parametrize("step", [Step.CONNECT, Step.SENDER])
def test_what_is_for_now_is_so_at_every_step(step):
    assert meaning("451 4.3.0 Later", step) == Outcome.LATER
    assert meaning("421 4.3.2 Later", step) == Outcome.SLOW


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("550 5.1.1 No", (5, 1, 1)),
        ("550  5.7.26 No", (5, 7, 26)),
        ("550 5.7.1", (5, 7, 1)),
        ("550 No, see 5.7.1", None),
        ("550 4.7.1 The class contradicts the code", None),
        ("550 5.7.1.2 An address", (5, 7, 1)),
        ("550 5.1234.1 No", None),
        ("550", None),
    ],
)
def test_an_enhanced_status_counts_at_the_beginning_and_in_its_class(answer, status):
    code, _, text = answer.partition(" ")
    assert Reply(int(code), text).enhanced == status


def test_what_a_server_says_is_kept_short_printable_and_on_one_line():
    said = b"5.1.1 No\r\n\x1b[31msuch\x00 \xff user\xe2\x80\xae " + b"x" * 2000
    reply = Reply.read(550, said, Step.RECIPIENT)
    assert reply.text.startswith("5.1.1 No [31msuch \ufffd user x")
    assert len(reply.text) == MAX_LENGTH
    assert len(str(reply)) == MAX_LENGTH
    assert str(reply).isprintable()
