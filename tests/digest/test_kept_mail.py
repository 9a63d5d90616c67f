"""Without a mail server, mail is kept for the desk and shown to whoever sits at the terminal."""

import email
import io
import sys
from email import policy

import pytest
from django.core.mail import EmailMultiAlternatives

from comparisons.digest import outbox
from comparisons.digest.outbox import KeepingBackend, KeptMail

pytestmark = pytest.mark.django_db


def mail(subject="Please confirm", to=("ann@example.org",), text="Here: https://x/\x1b[2J\nBye."):
    message = EmailMultiAlternatives(subject, text, "Us <us@example.org>", list(to))
    message.attach_alternative("<p>Here</p>", "text/html")
    return message


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_mail_is_kept_as_it_would_have_arrived():
    assert KeepingBackend().send_messages([mail()]) == 1
    kept = KeptMail.objects.get()
    assert (kept.sender, kept.recipient) == ("Us <us@example.org>", "ann@example.org")
    assert b"\r\n" in kept.message
    assert b"\n" not in bytes(kept.message).replace(b"\r\n", b"")
    read = email.message_from_bytes(bytes(kept.message), policy=policy.default)
    assert read["Subject"] == kept.subject == "Please confirm"
    assert read.get_body(("html",)).get_content().strip() == "<p>Here</p>"


def test_a_mail_to_several_is_kept_for_each_and_one_to_nobody_is_not():
    assert KeepingBackend().send_messages([mail(to=["a@example.org", "b@example.org"])]) == 1
    KeepingBackend().send_messages([mail(to=[])])
    assert set(KeptMail.objects.values_list("recipient", flat=True)) == {
        "a@example.org",
        "b@example.org",
    }


def test_the_newest_stay(monkeypatch):
    monkeypatch.setattr(outbox, "KEPT", 3)
    KeepingBackend().send_messages([mail(f"Mail {number}") for number in range(3)])
    assert KeptMail.objects.count() == 3
    KeepingBackend().send_messages([mail("Mail 3"), mail("Mail 4")])
    assert [kept.subject for kept in KeptMail.objects.all()] == ["Mail 4", "Mail 3", "Mail 2"]


def test_whoever_sits_at_the_terminal_sees_the_text_and_half_of_the_address(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    KeepingBackend().send_messages([mail()])
    shown = sys.stderr.getvalue()
    assert shown.startswith("Kept, not sent, for a…@example.org: Please confirm\n-----")
    assert "Here: https://x/ [2J\nBye.\n" in shown
    assert "\x1b" not in shown


def test_a_log_sees_nothing_unless_it_is_a_developers(capsys, settings):
    KeepingBackend().send_messages([mail()])
    assert capsys.readouterr().err == ""
    settings.DEBUG = True
    KeepingBackend().send_messages([mail()])
    assert "Please confirm" in capsys.readouterr().err
