"""Reports of a provider: only its own, only once, and only about people we know."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.db import OperationalError

from comparisons.digest.addresses import fingerprint
from comparisons.digest.models import Delivery, Edition, Subscriber, Suppression
from comparisons.digest.webhooks import take
from tests.digest.test_readiness import configure

pytestmark = pytest.mark.django_db

SECRET = "reports:0123456789abcdef"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def subscriber(email="ann@example.org", status="active"):
    return Subscriber.objects.create(
        email=email,
        fingerprint=fingerprint(email),
        status=status,
        source="/",
        consented_at=NOW,
    )


def edition(week="2026-W47"):
    return Edition.objects.create(
        week=week,
        status="draft",
        subject="News",
        since=NOW - timedelta(days=7),
        until=NOW,
    )


def delivery(to, of, status="sent", **values):
    return Delivery.objects.create(
        edition=of, subscriber=to, address=to.email, status=status, next_try=NOW, **values
    )


@pytest.fixture
def ann():
    return subscriber()


@pytest.fixture
def sent(ann):
    return delivery(ann, edition())


@pytest.fixture
def postmark(settings, client):
    """Post a report as Postmark would; returns the answer."""
    configure(settings, "postmark://KEY@", [SECRET])

    def post(event, secret=SECRET, **extra):
        headers = {}
        if secret is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return client.post(
            "/digest/webhooks/postmark/", body, content_type="application/json", headers=headers
        )

    return post


def bounce(email="ann@example.org", key=None, kind="HardBounce", **more):
    metadata = {} if key is None else {"delivery": str(key)}
    return {
        "RecordType": "Bounce",
        "Type": kind,
        "ID": 4323,
        "Email": email,
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist",
        "BouncedAt": "2026-11-25T10:00:00Z",
        "Metadata": metadata,
    } | more


def state(person, mail=None):
    person.refresh_from_db()
    if mail:
        mail.refresh_from_db()
    suppressions = [suppression.reason for suppression in Suppression.objects.all()]
    return person.status, mail and mail.status, suppressions


def test_a_bounce_ends_a_subscription_once(postmark, ann, sent):
    for _ in range(3):
        assert postmark(bounce(key=sent.pk)).status_code == 200
    assert state(ann, sent) == ("bounced", "bounced", ["bounced"])
    assert sent.reply.startswith("bounced: smtp;550 5.1.1")
    ended = sent.ended_at
    postmark(bounce(key=sent.pk))
    sent.refresh_from_db()
    assert sent.ended_at == ended


def test_a_complaint_ends_a_subscription_and_outweighs_a_bounce(postmark, ann, sent):
    complaint = bounce(key=sent.pk) | {"RecordType": "SpamComplaint", "Type": "SpamComplaint"}
    postmark(bounce(key=sent.pk))
    for _ in range(2):
        assert postmark(complaint).status_code == 200
    assert state(ann, sent)[:2] == ("complained", "complained")
    postmark(bounce(key=sent.pk))
    assert state(ann, sent)[:2] == ("complained", "complained")
    assert Suppression.objects.count() == 1


def test_who_leaves_by_the_provider_has_left(postmark, ann, sent):
    waiting = delivery(ann, edition("2026-W48"), "pending")
    change = {
        "RecordType": "SubscriptionChange",
        "Recipient": "ann@example.org",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
        "ChangedAt": "2026-11-25T10:00:00Z",
    }
    for _ in range(2):
        assert postmark(change).status_code == 200
    assert state(ann, sent) == ("unsubscribed", "sent", [])
    waiting.refresh_from_db()
    assert waiting.status == "left"


def test_a_report_without_a_key_is_about_the_newest_mail(postmark, ann):
    old = delivery(ann, edition("2026-W46"))
    new = delivery(ann, edition("2026-W47"))
    next_one = delivery(ann, edition("2026-W48"), "pending")
    assert postmark(bounce("Ann@Example.org")).status_code == 200
    assert state(ann, new) == ("bounced", "bounced", ["bounced"])
    old.refresh_from_db()
    next_one.refresh_from_db()
    assert (old.status, next_one.status) == ("sent", "left")


def test_a_bounced_confirm_mail_is_about_nobodys_delivery(postmark):
    pending = subscriber(status="pending")
    assert postmark(bounce()).status_code == 200
    assert state(pending) == ("bounced", None, ["bounced"])


@pytest.mark.parametrize("kind", ["SoftBounce", "Transient", "DnsError", "AutoResponder"])
def test_what_may_pass_changes_nothing(kind, postmark, ann, sent):
    assert postmark(bounce(key=sent.pk, kind=kind)).status_code == 200
    assert state(ann, sent) == ("active", "sent", [])


@pytest.mark.parametrize(
    "change",
    [
        {"Details": "smtp;550 5.7.1 Message rejected as spam"},
        {"Details": "smtp;554 5.6.0 Cannot be displayed"},
        {"Type": "Blocked"},
        {"Type": "DMARCPolicy"},
    ],
)
def test_a_mail_that_was_not_wanted_says_nothing_about_its_address(change, postmark, ann, sent):
    assert postmark(bounce(key=sent.pk) | change).status_code == 200
    assert state(ann, sent) == ("active", "failed", [])


@pytest.mark.parametrize("key", ["x", "-1", "9" * 30, "1.5", None, ["1"], {"a": 1}, "1\u0000"])
def test_a_key_that_is_none_leaves_the_address(key, postmark, ann, sent):
    assert postmark(bounce() | {"Metadata": {"delivery": key}}).status_code == 200
    assert state(ann, sent) == ("bounced", "bounced", ["bounced"])


def test_a_key_of_another_site_with_the_same_account_is_not_believed(postmark, ann, sent):
    bob = subscriber("bob@example.org")
    bobs = delivery(bob, sent.edition)
    assert postmark(bounce("ann@example.org", key=bobs.pk)).status_code == 200
    assert state(bob, bobs)[:2] == ("active", "sent")
    assert state(ann, sent)[:2] == ("bounced", "bounced")


@pytest.mark.parametrize(
    "email",
    ["eve@example.org", "", None, 5, ["ann@example.org"], "a\u0000b@example.org", "x" * 300],
)
def test_nobody_knows_the_recipient_and_nothing_is_written(email, postmark, ann, sent):
    for event in (bounce(email), bounce(email) | {"RecordType": "SpamComplaint"}):
        assert postmark(event).status_code == 200
    assert state(ann, sent) == ("active", "sent", [])
    assert Subscriber.objects.count() == 1


def test_who_was_deleted_stays_forgotten(postmark, ann, sent):
    Delivery.objects.update(address="", subscriber=None)
    ann.delete()
    assert postmark(bounce(key=sent.pk)).status_code == 200
    sent.refresh_from_db()
    assert sent.status == "sent"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("status", ["unknown", "pending"])
def test_what_the_provider_delivered_was_sent(status, postmark, ann):
    open_one = delivery(ann, edition(), status, attempts=1)
    event = {
        "RecordType": "Delivery",
        "Recipient": "ann@example.org",
        "DeliveredAt": "2026-11-25T10:00:00Z",
        "Metadata": {"delivery": str(open_one.pk)},
    }
    for _ in range(2):
        assert postmark(event).status_code == 200
    assert state(ann, open_one) == ("active", "sent", [])


def test_what_was_never_tried_was_not_delivered(postmark, ann):
    waiting = delivery(ann, edition(), "pending")
    event = {"RecordType": "Delivery", "Recipient": "ann@example.org"}
    for metadata in ({"delivery": str(waiting.pk)}, {}):
        assert postmark(event | {"Metadata": metadata}).status_code == 200
    assert state(ann, waiting)[:2] == ("active", "pending")


# Whoever else posts here


def test_without_the_password_nothing_is_written(postmark, ann, sent):
    asked = postmark(bounce(key=sent.pk), secret=None)
    assert asked.status_code == 401
    assert asked["WWW-Authenticate"] == 'Basic realm="reports"'
    for wrong in ("reports:wrong", "", "x", "reports:ä", SECRET.upper()):
        refused = postmark(bounce(key=sent.pk), secret=wrong)
        assert refused.status_code == 403
        assert b"does not prove to be a report from postmark" in refused.content
    assert state(ann, sent) == ("active", "sent", [])


def test_the_old_password_works_while_it_is_replaced(settings, postmark, ann, sent):
    configure(settings, "postmark://KEY@", ["reports:fedcba9876543210", SECRET])
    assert postmark(bounce(key=sent.pk)).status_code == 200
    assert state(ann)[0] == "bounced"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"RecordType": []}',
        b'{"RecordType": "Inbound", "FromFull": {}}',
        b'{"RecordType": "Bounce", "Type": {}}',
        b'{"RecordType": "Bounce", "Type": "HardBounce", "BouncedAt": 5}',
    ],
)
def test_what_is_no_report_is_a_bad_request(body, postmark, ann):
    assert postmark(body).status_code == 400
    assert state(ann)[0] == "active"


def test_a_report_that_is_too_long_is_told_so(postmark, settings):
    assert postmark(b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)).status_code == 413


def test_reports_are_posted(postmark, client):
    assert client.get("/digest/webhooks/postmark/").status_code == 405
    assert client.put("/digest/webhooks/postmark/").status_code == 405
    assert client.head("/digest/webhooks/postmark/").status_code == 200


@pytest.mark.parametrize(
    ("address", "secrets"),
    [("", []), ("smtps://mail.example.org", [SECRET]), ("postmark://KEY@", [])],
)
def test_where_nothing_would_prove_a_report_there_is_no_such_address(
    address, secrets, settings, client
):
    configure(settings, address, secrets)
    for esp in ("postmark", "mailgun", "smtp", "keep", "", "%00"):
        assert client.post(f"/digest/webhooks/{esp}/").status_code == 404


def test_only_the_configured_provider_has_an_address(postmark, client):
    assert client.post("/digest/webhooks/mailgun/").status_code == 404
    assert client.post("/digest/webhooks/POSTMARK/").status_code == 404


def test_while_the_database_is_away_the_provider_is_asked_to_come_again(
    postmark, ann, sent, monkeypatch
):
    def fail(*_):
        raise OperationalError("gone")

    monkeypatch.setattr("comparisons.digest.reports._find", fail)
    answer = postmark(bounce(key=sent.pk))
    assert (answer.status_code, answer["Retry-After"]) == (503, "300")


def test_settings_for_reports_that_do_not_work_are_no_fault_of_the_provider(
    settings, client, caplog
):
    configure(settings, "mailersend://KEY@", [SECRET])
    settings.REPORTS_ARE_HEARD = True
    answer = client.post("/digest/webhooks/mailersend/", headers={"Authorization": "Basic eA=="})
    assert answer.status_code == 503
    assert "mailersend" in caplog.text


# Signatures


def signed(event, key="KEY", **changes):
    signature = {"timestamp": "1764060000", "token": "t" * 50}
    text = signature["timestamp"] + signature["token"]
    signature["signature"] = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {"signature": signature | changes, "event-data": event}


def test_mailguns_signature_decides(settings, client, ann, sent):
    configure(settings, "mailgun://KEY@mg.example.org")
    event = {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "recipient": "ann@example.org",
        "timestamp": 1764060000.5,
        "delivery-status": {"code": 550, "message": "5.1.1 No such user"},
        "user-variables": {"delivery": str(sent.pk)},
    }

    def post(body):
        return client.post("/digest/webhooks/mailgun/", body, content_type="application/json")

    for forged in (
        signed(event, key="wrong"),
        signed(event, timestamp="1764060001"),
        signed(event, signature=5),
        {"event-data": event},
    ):
        assert post(forged).status_code in (400, 403)
    assert state(ann, sent) == ("active", "sent", [])
    assert post(signed(event | {"severity": "temporary"})).status_code == 200
    assert state(ann, sent) == ("active", "sent", [])
    for _ in range(2):
        assert post(signed(event)).status_code == 200
    assert state(ann, sent) == ("bounced", "bounced", ["bounced"])


def test_signature_and_password_are_both_asked_for_where_both_are_set(settings, client):
    configure(settings, "mailgun://KEY@mg.example.org", [SECRET])
    body = signed({"event": "delivered", "recipient": "x@example.org"})
    bare = client.post("/digest/webhooks/mailgun/", body, content_type="application/json")
    assert bare.status_code == 401


# Other providers' words


@pytest.mark.parametrize(
    ("words", "standing"),
    [
        ({"event": "hard_bounce"}, "bounced"),
        ({"event": "soft_bounce"}, "active"),
        ({"bounce": {"bounceType": "Permanent"}}, "bounced"),
        ({"bounce": {"bounceType": "Transient"}}, "active"),
        ({"event": "bounce", "type": "blocked"}, "active"),
        ({"msys": {"message_event": {"bounce_class": "10"}}}, "bounced"),
        ({"msys": {"message_event": {"bounce_class": "21"}}}, "active"),
        ({"event": "bounce", "hard_bounce": True}, "bounced"),
        ({"event": "bounce", "hard_bounce": False}, "active"),
    ],
)
def test_a_soft_bounce_is_known_by_the_words_of_each_provider(words, standing, ann):
    take(
        None,
        AnymailTrackingEvent(
            event_type=EventType.BOUNCED,
            reject_reason=RejectReason.BOUNCED,
            recipient="ann@example.org",
            esp_event=words,
        ),
    )
    assert state(ann)[0] == standing


@pytest.mark.parametrize(
    ("reason", "standing"),
    [
        (RejectReason.BOUNCED, "bounced"),
        (RejectReason.INVALID, "bounced"),
        (RejectReason.SPAM, "complained"),
        (RejectReason.UNSUBSCRIBED, "unsubscribed"),
        (RejectReason.BLOCKED, "active"),
        (None, "active"),
    ],
)
def test_why_a_provider_would_not_send_decides(reason, standing, ann, sent):
    take(
        None,
        AnymailTrackingEvent(
            event_type=EventType.REJECTED, reject_reason=reason, recipient="ann@example.org"
        ),
    )
    assert state(ann)[0] == standing
