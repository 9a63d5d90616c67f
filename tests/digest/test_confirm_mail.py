"""The mail that asks to confirm."""

import email
import re
from email.policy import default

import pytest
from django.core import mail
from django.test import override_settings

from comparisons.digest.confirming import message_for
from comparisons.digest.consent import answer_sign_ups, ask
from comparisons.digest.models import Standing
from tests.digest import cast
from tests.digest.cast import ADA

pytestmark = pytest.mark.django_db


@pytest.fixture
def message():
    return message_for(cast.subscriber(status=Standing.PENDING))


def test_it_says_whose_it_is_what_to_press_and_for_how_long(message):
    html, kind = message.alternatives[0]
    assert kind == "text/html"
    assert message.subject == "Please confirm: the weekly digest of Ship or Skip"
    for part in (message.body, html):
        assert "Ship or Skip" in part
        assert "holds 7 days" in part
        assert "Nothing happens unless you press the button" in part
        assert len(re.findall(r"https?://\S+/digest/confirm/", part)) == 1
    assert message.to == [ADA]


def test_it_holds_nothing_that_a_visitor_typed():
    ask("buy-at-spam.example@example.org", [], "/buy-at-spam/", None)
    answer_sign_ups()
    [sent] = mail.outbox
    html, _ = sent.alternatives[0]
    for part in (sent.subject, sent.body, html):
        assert "buy" not in part
        assert "@example.org" not in part


@override_settings(DIGEST_POSTAL_ADDRESS="Acme Ltd, 1 Main <St>, Springfield")
def test_it_says_where_the_sender_is(settings):
    message = message_for(cast.subscriber(status=Standing.PENDING))
    assert "Acme Ltd, 1 Main <St>, Springfield" in message.body
    assert "Acme Ltd, 1 Main &lt;St&gt;, Springfield" in message.alternatives[0][0]


def test_its_headers_are_those_of_a_mail_that_nobody_answers(message):
    raw = message.message().as_bytes(linesep="\r\n")
    parsed = email.message_from_bytes(raw, policy=default)
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["From"]
    assert parsed["Date"].endswith("+0000")
    assert parsed["Message-ID"].endswith("@127.0.0.1>")
    assert "List-Unsubscribe" not in parsed
    assert parsed.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in parsed.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


def test_every_line_is_short_and_seven_bits(message):
    raw = message.message().as_bytes(linesep="\r\n")
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert len(raw) < 20_000


def test_its_html_needs_no_style_sheet_and_has_its_dark_colours(message):
    html, _ = message.alternatives[0]
    assert "prefers-color-scheme: dark" in html
    assert 'style="' in html
    assert "<img" not in html
    assert "<link" not in html
    assert "<script" not in html


@override_settings(SITE_NAME="Ünïcode & <Söhne>", SITE_URL="https://xn--bcher-kva.example")
def test_a_name_with_other_letters_arrives_whole():
    raw = message_for(cast.subscriber(status=Standing.PENDING)).message().as_bytes()
    assert raw.isascii()
    parsed = email.message_from_bytes(raw, policy=default)
    assert "https://xn--bcher-kva.example/digest/confirm/" in parsed.get_body("plain").get_content()
