"""The mail itself: built once for everybody who chose the same topics, then only spliced."""

import quopri
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import urlsplit

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.crypto import salted_hmac

from tools.models import Category

from . import plain
from .addresses import MAX_LENGTH, masked
from .content import Content, summary
from .news import NAME, one_line
from .rendering import media_styles, outlook_styles, period_of, rendering_for, styles
from .tokens import Purpose, token_for

# What stands for a recipient's links while the mail is put together. Texts have no control
# characters (`tools.offering.xml_text`), and quoted-printable writes each of these as `=01`, which
# it never breaks over two lines.
_LEAVE, _PREFERENCES = "\x01", "\x02"
_MARKED = re.compile(b"=0([12])")
#: What stands for the parts of the page that are not laid out again.
_MEDIA, _OUTLOOK, _CONTENT = "\x03", "\x04", "\x05"

#: What stands for the token in such a link; no address of ours has this sign.
_PLACE = "*"

#: A line of quoted-printable has 76 characters at most, with the “=” at its end (RFC 2045, 6.7).
_LINE = 75
#: An address as `addresses.normal_address` returns it. Nothing else gets into a header.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


def envelope_sender() -> str:
    """Return the address that servers send bounces to: the one of DIGEST_FROM."""
    return parseaddr(settings.DIGEST_FROM)[1]


def message_id(edition: Any, subscriber_pk: int | None) -> str:
    """Return the name of a mail, the same whenever it is asked for.

    So the log of a mail server can tell whether a certain one went out. Nobody without the key can
    tell who it is for. A test mail, which is for no subscriber, is named anew each time.
    """
    host = urlsplit(settings.SITE_URL).hostname
    if subscriber_pk is None:
        return f"<test.{uuid.uuid4().hex}@{host}>"
    mark = salted_hmac(
        "digest.message-id", f"{edition.week}/{subscriber_pk}", algorithm="sha256"
    ).hexdigest()
    return f"<{edition.week.lower()}.{mark[:32]}@{host}>"


@dataclass(frozen=True, slots=True)
class Links:
    """Where one recipient leaves, and where their preferences are."""

    leave: str
    preferences: str

    def of(self, subscriber_pk: int | None) -> "Links":
        """Return the links of a subscriber, where these have a place for the token.

        Those of nobody lead to the digest’s own page.
        """
        if subscriber_pk is None:
            nowhere = settings.SITE_URL + reverse("digest")
            return Links(nowhere, nowhere)
        return Links(
            self.leave.replace(_PLACE, token_for(Purpose.LEAVE, subscriber_pk)),
            self.preferences.replace(_PLACE, token_for(Purpose.PREFERENCES, subscriber_pk)),
        )


def _links() -> Links:
    """Return a recipient's links with a place for the token: `reverse` takes its time."""
    leave, preferences = (
        settings.SITE_URL + reverse(f"digest-{purpose.value}", args=[_PLACE])
        for purpose in (Purpose.LEAVE, Purpose.PREFERENCES)
    )
    return Links(leave, preferences)


@dataclass(frozen=True, slots=True)
class Letter:
    """One edition as it goes to everybody who chose the same topics.

    `subject`, `html` and `text` have marks in the place of the recipient's links.
    """

    edition: Any
    subject: str
    html: str
    text: str
    links: Links
    #: The headers that are the same for all, in the order in which they stand.
    headers: dict[str, str]
    #: The message, cut where something of the recipient's own belongs.
    head: bytes
    pieces: tuple[bytes, ...]
    marks: tuple[int, ...]

    @classmethod
    def of(cls, edition: Any, topics: Sequence[int]) -> "Letter":
        """Put the mail together. This takes a while; keep it for all recipients with the topics."""
        rendering = rendering_for(edition, topics)
        subject = one_line(edition.subject, 150)
        context: dict[str, Any] = {
            "subject": subject,
            "week": edition.week,
            "period": period_of(edition),
            "summary": summary(Content.from_json(edition.content).for_topics(topics)),
            "topics": _names(topics),
            "address": settings.SITE_URL + reverse("edition", args=[edition.week.lower()]),
            "postal_address": one_line(settings.DIGEST_POSTAL_ADDRESS, 300),
        }
        html = _html(context, rendering.html)
        text = plain.squeeze(
            render_to_string(
                "email/mail.txt",
                context
                | plain.HELPERS
                | {
                    "content": rendering.text,
                    "leave": _LEAVE,
                    "preferences": _PREFERENCES,
                    "topics": [plain.isolated(name) for name in context["topics"]],
                },
            )
        )
        headers = _headers(subject)
        boundary = "=_" + salted_hmac("digest.boundary", html, algorithm="sha256").hexdigest()[:32]
        head, pieces, marks = _cut(headers, text, html, boundary)
        return cls(edition, subject, html, text, _links(), headers, head, pieces, marks)

    def bytes_for(self, delivery_address: str, subscriber_pk: int) -> bytes:
        """Return the whole message as it follows DATA: dot-stuffed, with the dot that ends it.

        Raises ValueError for an address that is not a normal one.
        """
        if len(delivery_address) > MAX_LENGTH or not _ADDRESS.fullmatch(delivery_address):
            raise ValueError(f"Not an address to write to: {masked(delivery_address)!a}")
        links = self.links.of(subscriber_pk)
        head = (
            f"Date: {format_datetime(datetime.now(UTC))}\r\n"
            f"Message-ID: {message_id(self.edition, subscriber_pk)}\r\n"
            f"To: {delivery_address}\r\n"
            f"List-Unsubscribe: <{links.leave}>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        )
        spliced = _folded(links.leave), _folded(links.preferences)
        parts = [self.head, head.encode("ascii"), self.pieces[0]]
        for mark, piece in zip(self.marks, self.pieces[1:], strict=True):
            parts += (spliced[mark], piece)
        return b"".join(parts)

    def email_for(
        self, address: str, subscriber_pk: int | None, connection: Any = None
    ) -> EmailMultiAlternatives:
        """Return the same mail for a mail back end of Django’s.

        Without a subscriber it is a test mail, of which nobody can unsubscribe.
        """
        if len(address) > MAX_LENGTH or not _ADDRESS.fullmatch(address):
            raise ValueError(f"Not an address to write to: {masked(address)!a}")
        links = self.links.of(subscriber_pk)
        own = {
            "Date": format_datetime(datetime.now(UTC)),
            "Message-ID": message_id(self.edition, subscriber_pk),
        }
        if subscriber_pk is not None:
            own |= {
                "List-Unsubscribe": f"<{links.leave}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        kept = {
            name: value
            for name, value in self.headers.items()
            if name not in {"From", "Subject", "MIME-Version"}
        }
        mail = EmailMultiAlternatives(
            self.subject,
            _filled(self.text, links),
            self.headers["From"],
            [address],
            headers=kept | own,
            connection=connection,
        )
        mail.attach_alternative(_filled(self.html, links), "text/html")
        return mail


def _names(topics: Sequence[int]) -> list[str]:
    if not topics:
        return []
    names = Category.objects.filter(pk__in=topics).values_list("name", flat=True)
    return [one_line(name, NAME) for name in names]


def _filled(text: str, links: Links) -> str:
    return text.replace(_LEAVE, links.leave).replace(_PREFERENCES, links.preferences)


def _html(context: dict[str, Any], content: str) -> str:
    """Return the whole HTML of a mail, with the content as it is."""
    marks = {
        "leave": _LEAVE,
        "preferences": _PREFERENCES,
        "media": _MEDIA,
        "outlook": _OUTLOOK,
        "content": _CONTENT,
    }
    layout = css_inline.inline(
        render_to_string("email/mail.html", context | marks),
        extra_css=styles(),
        inline_style_tags=False,
        keep_style_tags=True,
        minify_css=True,
        load_remote_stylesheets=False,
    )
    lines = (line.strip() for line in layout.splitlines())
    page = "\n".join(line for line in lines if line) + "\n"
    page = page.replace(_MEDIA, media_styles()).replace(_OUTLOOK, outlook_styles())
    return page.replace(_CONTENT, content)


def _headers(subject: str) -> dict[str, str]:
    """Return the headers that are the same for everybody."""
    name, address = parseaddr(settings.DIGEST_FROM)
    host = urlsplit(settings.SITE_URL).hostname
    return {
        "From": str(Address(one_line(name, 100), addr_spec=address)),
        "Subject": subject,
        "List-Id": f"{_phrase(settings.SITE_NAME)} <digest.{host}>",
        "List-Archive": f"<{settings.SITE_URL}{reverse('digest')}>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
    }


def _phrase(text: str) -> str:
    """Return a text as RFC 5322 takes it before an address."""
    words = re.sub(r"[^\w .-]", "", one_line(text, 100), flags=re.ASCII).strip()
    return f'"{words}"' if words else '"Digest"'


def _cut(
    headers: dict[str, str], text: str, html: str, boundary: str
) -> tuple[bytes, tuple[bytes, ...], tuple[int, ...]]:
    """Write the message down and cut it at its marks.

    Returns the headers, the pieces, and which link stands between each two of them.
    """
    head = b"".join(
        policy.SMTP.fold_binary(name, policy.SMTP.header_store_parse(name, value)[1])
        for name, value in headers.items()
    )
    parts = [f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode()]
    for kind, content in (("plain", text), ("html", html)):
        parts.append(
            f"--{boundary}\r\n"
            f"Content-Type: text/{kind}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
        )
        parts += [_encoded(content), b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    # A line that begins with a dot gets another one (RFC 5321, 4.5.2). After a mark a line begins,
    # too, because a link ends with a break.
    whole = b"".join(parts).replace(b"\r\n.", b"\r\n..") + b".\r\n"
    first, *others = _MARKED.split(whole)
    pieces = [first, *(b"." + piece if piece[:1] == b"." else piece for piece in others[1::2])]
    return head, tuple(pieces), tuple(int(mark) - 1 for mark in others[::2])


def _encoded(text: str) -> bytes:
    return quopri.encodestring(text.encode()).replace(b"\n", b"\r\n")


def _folded(link: str) -> bytes:
    """Return a link as it stands in quoted-printable: on lines of its own, as readers never see."""
    coded = link.replace("=", "=3D").encode("ascii")
    lines = [b"="]
    while coded:
        # A dot at the beginning of a line would have to be doubled, so it is written as an escape.
        dot = b"=2E" if coded[:1] == b"." else b""
        end = _LINE - 2 if dot else _LINE
        # An escape stays whole.
        escape = coded.rfind(b"=", end - 2, end)
        if escape >= 0 and len(coded) > end:
            end = escape
        line, coded = coded[:end], coded[end:]
        lines.append((dot + line[1:] if dot else line) + b"=")
    return b"\r\n".join([*lines, b""])
