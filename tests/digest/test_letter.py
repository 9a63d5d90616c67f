"""The mail on its way: headers, lines and links, and that splicing says what building would."""

import email
import email.policy
import quopri
import re
import smtplib
import socket
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import dkim
import pytest
from aiosmtpd.controller import Controller
from django.conf import settings
from django.utils import timezone

from comparisons.digest.content import Content
from comparisons.digest.messages import Letter, _folded, envelope_sender, message_id
from comparisons.digest.rendering import render
from comparisons.digest.tokens import Purpose, link_for
from tests import cast
from tests.digest.cast import edition
from tests.digest.keys import rsa_key

pytestmark = pytest.mark.django_db

READER = "reader@example.org"
SITE = settings.SITE_URL
SIGNED = [
    b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
    b"list-id", b"list-archive", b"list-unsubscribe", b"list-unsubscribe-post", b"auto-submitted",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _site(settings):
    settings.DIGEST_FROM = "Ship or Skip <digest@shiporskip.example>"
    settings.DIGEST_POSTAL_ADDRESS = "1 Example Street, Example Town"


def drafted(subject="Alpha: Ship, and more", intro="Hello, **reader**.", **facts):
    """Return a draft that tells of the cast."""
    alpha, beta = cast.alpha(), cast.beta()
    cast.compare(alpha, beta)
    now = timezone.now()
    content = Content.since(now - timedelta(days=7), now, set())
    return edition("2026-W48", "draft", subject, intro=intro, content=content.to_json(), **facts)


@pytest.fixture
def letter():
    return Letter.of(drafted(), [])


def unstuffed(raw):
    """Return a message as a server hands it on: without the dots that SMTP adds."""
    assert raw.endswith(b"\r\n.\r\n")
    return raw[:-3].replace(b"\r\n..", b"\r\n.")


def parsed(letter, address=READER, subscriber=7):
    return email.message_from_bytes(
        unstuffed(letter.bytes_for(address, subscriber)), policy=email.policy.SMTP
    )


def parts(message):
    text, html = message.iter_parts()
    return text.get_content(), html.get_content()


def filled(text, subscriber=7):
    return text.replace("\x01", link_for(Purpose.LEAVE, subscriber)).replace(
        "\x02", link_for(Purpose.PREFERENCES, subscriber)
    )


def crlf(text):
    return text.replace("\r\n", "\n")


def test_it_has_every_header_that_a_mailing_needs(letter):
    message = parsed(letter)
    assert dict(message.items()) | {"Date": "", "Content-Type": ""} == {
        "From": "Ship or Skip <digest@shiporskip.example>",
        "To": READER,
        "Subject": "Alpha: Ship, and more",
        "Date": "",
        "Message-ID": message_id(letter.edition, 7),
        "List-Id": '"Ship or Skip" <digest.127.0.0.1>',
        "List-Archive": f"<{SITE}/digest/>",
        "List-Unsubscribe": f"<{link_for(Purpose.LEAVE, 7)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain", "text/html",
    ]  # fmt: skip
    assert not message.defects
    age = datetime.now(UTC) - parsedate_to_datetime(message["Date"])
    assert timedelta() <= age + timedelta(seconds=1) < timedelta(minutes=1)


def test_parsed_again_it_says_what_was_put_together(letter):
    text, html = parts(parsed(letter))
    assert crlf(text) == filled(letter.text)
    assert crlf(html) == filled(letter.html)
    assert render(letter.edition).html in crlf(html)
    assert render(letter.edition).text in crlf(text)


@pytest.mark.parametrize("subscriber", [0, 1, 9, 123456, 10**9, 2**63 - 1])
def test_each_recipient_gets_their_own_links_and_nobody_elses(letter, subscriber):
    message = parsed(letter, subscriber=subscriber)
    leave, preferences = (
        link_for(purpose, subscriber) for purpose in (Purpose.LEAVE, Purpose.PREFERENCES)
    )
    for content in parts(message):
        assert re.findall(r"http://\S+?/digest/leave/[^\s\"<]+", content) == [leave]
        assert re.findall(r"http://\S+?/digest/preferences/[^\s\"<]+", content) == [preferences]
        assert "\x01" not in content
        assert "\x02" not in content
    assert message["List-Unsubscribe"] == f"<{leave}>"


def test_splicing_says_what_djangos_building_says(letter):
    spliced = parsed(letter)
    built = email.message_from_bytes(
        letter.email_for(READER, 7).message().as_bytes(), policy=email.policy.SMTP
    )
    assert [crlf(part) for part in parts(spliced)] == [crlf(part) for part in parts(built)]
    own = {"Date", "Content-Type"}
    assert {name: str(value).strip() for name, value in spliced.items() if name not in own} == {
        name: str(value).strip() for name, value in built.items() if name not in own
    }


def test_no_line_is_too_long_and_every_one_ends_as_smtp_wants(letter):
    for subscriber in range(0, 400, 7):
        raw = letter.bytes_for(READER, subscriber * 10**15)
        assert b"\n" not in raw.replace(b"\r\n", b"")
        assert b"\r" not in raw.replace(b"\r\n", b"")
        head, body = raw.split(b"\r\n\r\n", 1)
        assert max(map(len, head.split(b"\r\n"))) < 250
        assert max(map(len, body.split(b"\r\n"))) <= 77  # 76, and a dot that SMTP adds
        assert raw.isascii()
        assert len(re.findall(rb"(?m)^\.[^.]", raw.removesuffix(b".\r\n"))) == 0


def test_dots_at_the_beginnings_of_lines_are_doubled():
    letter = Letter.of(drafted(intro="Wait\n\n    .\n    ..\n    .dotted\n"), [])
    raw = letter.bytes_for(READER, 7)
    text, _ = parts(parsed(letter))
    assert "\n    ..\n" in crlf(text)
    assert b"\r\n.\r\n" not in raw[:-5]


def test_a_link_is_folded_whole_wherever_it_is_cut():
    for length in range(1, 200):
        for sign in "a.=":
            link = f"https://a.example/{sign * length}/"
            folded = _folded(link)
            lines = folded.split(b"\r\n")
            assert lines[0] == b"="
            assert lines[-1] == b""
            assert all(len(line) <= 76 and line.endswith(b"=") for line in lines[:-1])
            assert not any(line.startswith(b".") for line in lines)
            assert quopri.decodestring(folded.replace(b"\r\n", b"\n")).decode() == link


@pytest.mark.parametrize(
    "subject",
    [
        "One\r\nBcc: victim@example.org",
        "One\nBcc: victim@example.org\n\nBody",
        "One\x00\x01\x02\x04 two",
        "Ünï ✓ 🚀 " * 12,
        "بحث متجهي سريع",
        "=?utf-8?q?encoded?=",
        "W" * 150,
    ],
)
def test_nothing_gets_into_the_headers_through_a_subject(subject):
    made = drafted()
    made.subject = subject
    letter = Letter.of(made, [])
    message = parsed(letter)
    assert not message.defects
    assert message["Bcc"] is None
    assert len(message.items()) == 12
    assert message.get_all("To") == [READER]
    raw = letter.bytes_for(READER, 7)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    if "=?" not in subject:
        assert (
            str(message["Subject"]).split()
            == "".join(sign for sign in " ".join(subject.split()) if sign.isprintable()).split()
        )
    text, html = parts(message)
    assert crlf(text) == filled(letter.text)
    assert crlf(html) == filled(letter.html)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "no-at-sign",
        "two@at@example.org",
        "a b@example.org",
        "a@example.org\r\nBcc: b@example.org",
        "a@example.org\n",
        "ünï@example.org",
        "a@exämple.org",
        "<a@example.org>",
        '"a"@example.org',
        "a@example.org, b@example.org",
        "a" * 250 + "@example.org",
    ],
)
def test_nothing_but_one_plain_address_is_written_to(letter, address):
    with pytest.raises(ValueError, match="Not an address to write to"):
        letter.bytes_for(address, 7)
    with pytest.raises(ValueError, match="Not an address to write to"):
        letter.email_for(address, 7)


def test_a_refused_address_is_not_told_in_full(letter):
    with pytest.raises(ValueError, match="address") as raised:
        letter.bytes_for("private name@example.org", 7)
    assert "private name" not in str(raised.value)


def test_a_sender_with_quotes_and_letters_of_any_alphabet_holds(settings):
    settings.DIGEST_FROM = '"Ship, or “Skïp”" <digest@shiporskip.example>'
    settings.SITE_NAME = "Ship, or “Skïp”"
    message = parsed(Letter.of(drafted(), []))
    assert message["From"].addresses[0].display_name == "Ship, or “Skïp”"
    assert message["From"].addresses[0].addr_spec == "digest@shiporskip.example"
    assert re.fullmatch(r'"[ -~]+" <digest\.127\.0\.0\.1>', message["List-Id"])
    assert envelope_sender() == "digest@shiporskip.example"


def test_a_mail_is_named_by_edition_and_subscriber_and_tells_neither():
    one, two = edition("2026-W47"), edition("2026-W48")
    assert message_id(one, 7) == message_id(one, 7)
    assert len({message_id(one, 7), message_id(one, 8), message_id(two, 7)}) == 3
    assert re.fullmatch(r"<2026-w47\.[0-9a-f]{32}@127\.0\.0\.1>", message_id(one, 7))


def test_a_test_mail_is_for_no_subscriber(letter):
    mail = letter.email_for("editor@example.org", None)
    message = mail.message()
    assert message["List-Unsubscribe"] is None
    assert message["List-Unsubscribe-Post"] is None
    assert message["To"] == "editor@example.org"
    html, _ = mail.alternatives[0]
    for content in (mail.body, html):
        assert "/digest/leave/" not in content
        assert "/digest/preferences/" not in content
        assert content.count(f"{SITE}/digest/") >= 2
    assert (
        message["Message-ID"]
        != letter.email_for("editor@example.org", None).message()["Message-ID"]
    )


def test_who_chose_topics_gets_these_and_is_told_so():
    made = drafted()
    other = cast.make_category("Other <things>", "other")
    letter = Letter.of(made, [other.pk])
    assert "Alpha vs Beta" not in letter.text
    assert "with news of Other <things>." in " ".join(letter.text.split())
    assert "Other &lt;things&gt;" in letter.html
    own = Letter.of(made, [cast.make_category().pk])
    assert "Alpha vs Beta" in own.text


def test_what_was_frozen_is_sent_as_it_is():
    made = drafted()
    frozen = render(made)
    made.html, made.text, made.digest = "<p>Frozen ✓</p>", "Frozen ✓\n", "0" * 64
    made.status, made.starts_at = "approved", timezone.now()
    made.save()
    letter = Letter.of(made, [])
    assert "<p>Frozen ✓</p>" in letter.html
    assert "Frozen ✓\n" in letter.text
    assert frozen.html not in letter.html


class Inbox:
    """Takes what an SMTP server gets, as it would be handed on."""

    def __init__(self):
        self.taken = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def inbox():
    handler = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        handler.port = free.getsockname()[1]
    server = Controller(handler, hostname="127.0.0.1", port=handler.port)
    server.start()
    yield handler
    server.stop()


def test_a_signature_holds_after_the_mail_has_travelled(letter, inbox):
    pem, public = rsa_key()
    raw = letter.bytes_for(READER, 7)
    signature = dkim.sign(
        unstuffed(raw), b"digest", b"shiporskip.example", pem,
        canonicalize=(b"simple", b"simple"), include_headers=SIGNED,
    )  # fmt: skip
    with smtplib.SMTP("127.0.0.1", inbox.port) as server:
        server.ehlo()
        server.mail(envelope_sender())
        server.rcpt(READER)
        assert server.docmd("DATA")[0] == 354
        server.send(signature + raw)
        assert server.getreply()[0] == 250
    (envelope,) = inbox.taken
    assert envelope.mail_from == "digest@shiporskip.example"
    assert envelope.rcpt_tos == [READER]
    assert envelope.content == signature + unstuffed(raw)
    record = b"v=DKIM1; k=rsa; p=" + public
    assert dkim.verify(envelope.content, dnsfunc=lambda name, timeout=5: record)
    forged = envelope.content.replace(b"Auto-Submitted: auto-generated", b"Auto-Submitted: no")
    assert not dkim.verify(forged, dnsfunc=lambda name, timeout=5: record)
