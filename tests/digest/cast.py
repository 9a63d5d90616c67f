"""Who and what the tests of the digest play with."""

import re
import time
from datetime import timedelta
from itertools import count
from urllib.parse import urlencode, urlsplit

from django.core import mail
from django.utils import timezone

from comparisons.digest.addresses import fingerprint
from comparisons.digest.forms import _signer
from comparisons.digest.models import (
    Delivery,
    DeliveryStatus,
    Edition,
    Stage,
    Standing,
    Subscriber,
    Suppression,
)
from comparisons.digest.tokens import Purpose, token_for
from tests.cast import make_category

ADA = "ada@example.org"
_weeks = count(1)


def subscriber(email=ADA, status=Standing.ACTIVE, topics=(), **facts):
    now = timezone.now()
    if status != Standing.PENDING:
        facts = {"consented_at": now} | facts
    if status not in (Standing.PENDING, Standing.ACTIVE):
        facts = {"ended_at": now} | facts
    made = Subscriber.objects.create(
        email=email, fingerprint=fingerprint(email), status=status, source="/digest/", **facts
    )
    made.topics.set(topics)
    return made


def suppress(email=ADA, reason="bounced"):
    return Suppression.objects.create(fingerprint=fingerprint(email), reason=reason)


def edition(week=None, status=Stage.DONE, subject="Two verdicts flipped", **facts):
    """An edition that stands where it is said to; the moves that led there are left out."""
    now = timezone.now()
    said = {} if status == Stage.DRAFT else {"html": "<p>x</p>", "text": "x", "digest": "0" * 64}
    facts = {
        "since": now - timedelta(days=7), "until": now, "starts_at": now, "content": {},
    } | said | facts  # fmt: skip
    if status in (Stage.SENDING, Stage.PAUSED, Stage.DONE):
        facts.setdefault("started_at", now)
    if status == Stage.DONE:
        facts.setdefault("ended_at", now)
    week = week or f"2026-W{next(_weeks) % 53 + 1:02}"
    return Edition.objects.create(week=week, status=status, subject=subject, **facts)


def delivery(to, of=None, status=DeliveryStatus.PENDING, **facts):
    facts = {"address": to.email, "next_try": timezone.now()} | facts
    return Delivery.objects.create(edition=of or edition(), subscriber=to, status=status, **facts)


def page_of(purpose, somebody, tail=""):
    """Return the address of somebody's page, as it stands in mails, without the host."""
    return f"/digest/{purpose.value}/{token_for(purpose, somebody.pk)}/{tail}"


def confirm_page(somebody):
    return page_of(Purpose.CONFIRM, somebody)


def leave_page(somebody):
    return page_of(Purpose.LEAVE, somebody)


def preferences_page(somebody, tail=""):
    return page_of(Purpose.PREFERENCES, somebody, tail)


def links(message):
    """Return every link of a mail, of its text and of its html, as paths of this site."""
    html, _ = message.alternatives[0]
    found = re.findall(r"https?://\S+", message.body) + re.findall(r'href="([^"]+)"', html)
    return [urlsplit(link).path or "/" for link in found]


def recipients():
    return [address for message in mail.outbox for address in message.recipients()]


def two_categories():
    return make_category("Agents", "agents"), make_category("Models", "models")


HERE = {"Sec-Fetch-Site": "same-origin"}
JSON = {"Accept": "application/json"}
FORM = "application/x-www-form-urlencoded"


def stamp(age=10):
    """The stamp of a form that was turned to so many seconds ago."""
    return _signer().sign(str(int(time.time() - age)))


def sign_up(client, email=ADA, token=None, headers=HERE, ip="192.0.2.1", **fields):
    """Send the form, stamped as if somebody had taken ten seconds for it; token="" for none."""
    fields = {"email": email, "token": stamp() if token is None else token} | fields
    body = urlencode(fields, doseq=True)
    return client.post("/digest/sign-up/", body, FORM, headers=headers, REMOTE_ADDR=ip)
