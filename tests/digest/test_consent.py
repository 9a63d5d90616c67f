"""Who is on the list: asking, confirming, leaving, choosing and being forgotten."""

import json
import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from comparisons.digest import consent
from comparisons.digest.addresses import fingerprint
from comparisons.digest.models import (
    Delivery,
    DeliveryStatus,
    SignUp,
    Standing,
    Subscriber,
    Suppression,
)
from comparisons.digest.outbox import KeptMail
from tests.digest import cast, servers
from tests.digest.cast import ADA

pytestmark = pytest.mark.django_db
FAR_AWAY = {"EMAIL_BACKEND": "tests.digest.servers.Away"}


def ask(email=ADA, topics=(), source="/tools/", client=b"c" * 16):
    return consent.ask(email, topics, source, client)


def a_day_later(somebody):
    Subscriber.objects.filter(pk=somebody.pk).update(
        confirm_sent_at=timezone.now() - consent.CONFIRM_EVERY
    )


# Asking


def test_somebody_new_is_pending_and_asked_to_confirm():
    topic, _ = cast.two_categories()
    ask(topics=[topic.pk, 10**15])
    assert consent.answer_sign_ups() == 1
    ada = Subscriber.objects.get()
    assert (ada.email, ada.status, ada.source) == (ADA, Standing.PENDING, "/tools/")
    assert bytes(ada.fingerprint) == fingerprint(ADA)
    assert list(ada.topics.all()) == [topic]
    assert ada.confirm_sent_at
    assert cast.recipients() == [ADA]


def test_an_answered_sign_up_holds_no_address():
    ask(topics=[1])
    consent.answer_sign_ups()
    row = SignUp.objects.get()
    assert (row.email, row.topics) == ("", [])
    assert row.answered_at
    assert bytes(row.client) == b"c" * 16


@pytest.mark.parametrize("status", [Standing.PENDING, Standing.UNSUBSCRIBED, Standing.BOUNCED])
def test_whoever_is_known_and_not_on_the_list_is_asked_again(status):
    topic, _ = cast.two_categories()
    ada = cast.subscriber(status=status)
    ask(topics=[topic.pk])
    consent.answer_sign_ups()
    ada.refresh_from_db()
    assert ada.status == status  # until they confirm
    assert list(ada.topics.all()) == [topic]
    assert cast.recipients() == [ADA]


def test_nobody_can_change_the_topics_of_somebody_on_the_list_or_have_them_mailed():
    agents, models = cast.two_categories()
    ada = cast.subscriber(topics=[agents])
    ask(topics=[models.pk])
    assert consent.answer_sign_ups() == 1
    assert list(ada.topics.all()) == [agents]
    assert not mail.outbox
    assert not SignUp.objects.exclude(email="").exists()


@pytest.mark.parametrize("reason", ["bounced", "complained", "deleted", "asked"])
def test_a_suppressed_address_gets_no_mail_and_makes_no_subscriber(reason):
    cast.suppress(reason=reason)
    ask()
    assert consent.answer_sign_ups() == 1
    assert not Subscriber.objects.exists()
    assert not mail.outbox


@pytest.mark.parametrize("status", [Standing.PENDING, Standing.BOUNCED, Standing.COMPLAINED])
def test_a_suppressed_address_gets_no_mail_although_it_is_known(status):
    cast.subscriber(status=status)
    cast.suppress()
    ask()
    consent.answer_sign_ups()
    assert not mail.outbox


def test_what_was_suppressed_under_an_earlier_key_still_is():
    with override_settings(SECRET_KEY="the old one"):
        cast.suppress()
    ask()
    with override_settings(SECRET_KEY_FALLBACKS=["the old one"]):
        consent.answer_sign_ups()
    assert not mail.outbox


def test_an_address_gets_one_confirm_mail_a_day_however_often_it_is_typed():
    for _ in range(3):
        ask()
        consent.answer_sign_ups()
    ask()
    ask()
    consent.answer_sign_ups()
    assert cast.recipients() == [ADA]
    a_day_later(Subscriber.objects.get())
    ask()
    consent.answer_sign_ups()
    assert cast.recipients() == [ADA, ADA]


def test_the_topics_of_the_last_form_are_the_ones_to_confirm():
    agents, models = cast.two_categories()
    for topic in (agents, models):
        ask(topics=[topic.pk])
        consent.answer_sign_ups()
    assert list(Subscriber.objects.get().topics.all()) == [models]


def test_with_nothing_to_answer_no_server_is_asked():
    with override_settings(EMAIL_BACKEND="tests.digest.servers.Forbidden"):
        assert consent.answer_sign_ups() == 0


# Mail servers


def test_while_the_mail_server_is_away_nothing_is_lost():
    ask()
    with override_settings(**FAR_AWAY):
        assert consent.answer_sign_ups() == 0
    assert SignUp.objects.get().email == ADA
    assert not Subscriber.objects.exists()
    assert consent.answer_sign_ups() == 1
    assert cast.recipients() == [ADA]


def test_until_mail_may_leave_sign_ups_wait_and_are_answered_then(settings):
    settings.DIGEST_IS_SENT, settings.DIGEST_POSTAL_ADDRESS = True, ""
    settings.SITE_URL, settings.DIGEST_FROM = "https://ship.site", "digest@ship.site"
    ask()
    assert consent.answer_sign_ups() == 0
    assert SignUp.objects.get().email == ADA
    assert not Subscriber.objects.exists()
    assert cast.recipients() == []
    settings.DIGEST_POSTAL_ADDRESS = "1 Main Street"
    assert consent.answer_sign_ups() == 1
    assert cast.recipients() == [ADA]


@pytest.fixture
def server(settings):
    """A mail server that answers what a test puts into `answers`, and then takes everything."""
    settings.EMAIL_BACKEND = "tests.digest.servers.Scripted"
    servers.Scripted.answers, servers.Scripted.opened = [], 0
    return servers.Scripted


def due_now():
    SignUp.objects.update(next_try=timezone.now())


@pytest.mark.parametrize(
    "refusal",
    [
        smtplib.SMTPRecipientsRefused({ADA: (450, b"come back later")}),
        smtplib.SMTPRecipientsRefused({ADA: (421, b"too many")}),
        smtplib.SMTPSenderRefused(451, b"busy", "digest@localhost"),
        smtplib.SMTPDataError(554, b"not from here"),
    ],
)
def test_what_a_server_did_not_take_is_tried_again_later(server, refusal):
    topic, _ = cast.two_categories()
    server.answers = [refusal]
    ask(topics=[topic.pk])
    assert consent.answer_sign_ups() == 0
    row, ada = SignUp.objects.get(), Subscriber.objects.get()
    assert (row.email, row.topics, row.answered_at) == (ADA, [topic.pk], None)
    assert row.next_try >= timezone.now() + consent.LEAST_WAIT - timedelta(seconds=5)
    assert ada.confirm_sent_at is None
    assert consent.answer_sign_ups() == 0  # its time has not come
    due_now()
    assert consent.answer_sign_ups() == 1
    assert cast.recipients() == [ADA]


def test_the_wait_grows_with_the_time_that_was_waited(server):
    ask()
    SignUp.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    server.answers = [smtplib.SMTPRecipientsRefused({ADA: (450, b"later")})]
    consent.answer_sign_ups()
    wait = SignUp.objects.get().next_try - timezone.now()
    assert timedelta(hours=1, minutes=59) < wait < timedelta(hours=2, minutes=1)


def test_one_recipient_that_must_wait_keeps_nobody_else_waiting(server):
    server.answers = [smtplib.SMTPRecipientsRefused({ADA: (450, b"later")})]
    ask()
    ask("bob@example.org")
    assert consent.answer_sign_ups() == 1
    assert cast.recipients() == ["bob@example.org"]


def test_trouble_with_us_spares_the_server_the_rest(server):
    server.answers = [smtplib.SMTPSenderRefused(451, b"busy", "x")]
    ask()
    ask("bob@example.org")
    assert consent.answer_sign_ups() == 0
    assert not mail.outbox
    assert SignUp.objects.exclude(email="").count() == 2


def test_an_address_that_does_not_exist_is_not_tried_again(server):
    server.answers = [smtplib.SMTPRecipientsRefused({ADA: (550, b"who?")})]
    ask()
    assert consent.answer_sign_ups() == 1
    assert not SignUp.objects.exclude(email="").exists()
    assert not Suppression.objects.exists()  # anybody may have mistyped it


@pytest.mark.parametrize("error", [smtplib.SMTPServerDisconnected(), TimeoutError(), OSError()])
def test_a_mail_of_which_nobody_knows_is_not_sent_again_and_the_next_one_goes_out(server, error):
    server.answers = [error]
    ask()
    ask("bob@example.org")
    assert consent.answer_sign_ups() == 2
    assert cast.recipients() == ["bob@example.org"]
    assert server.opened == 2  # a connection that broke is no use for the next one


class Killed(BaseException):
    """Stands for SIGKILL: nothing below it can catch it."""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_while_it_sends_never_mails_twice(server):
    server.answers = [Killed()]
    ask()
    ask("bob@example.org")
    with pytest.raises(Killed):
        consent.answer_sign_ups()
    assert consent.answer_sign_ups() == 1
    assert cast.recipients() == ["bob@example.org"]
    a_day_later(Subscriber.objects.get(email=ADA))
    ask()
    consent.answer_sign_ups()
    assert cast.recipients() == ["bob@example.org", ADA]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_before_it_sends_loses_nothing(monkeypatch):
    def killed(*_):
        raise Killed

    ask()
    with monkeypatch.context() as patch:
        patch.setattr(consent.confirming, "message_for", killed)
        with pytest.raises(Killed):
            consent.answer_sign_ups()
    assert SignUp.objects.get().email == ADA
    assert not Subscriber.objects.exists()
    assert consent.answer_sign_ups() == 1
    assert cast.recipients() == [ADA]


def test_no_log_holds_an_address_in_full(server, caplog):
    server.answers = [smtplib.SMTPRecipientsRefused({ADA: (450, ADA.encode())}), OSError(ADA)]
    ask()
    ask("bob@example.org")
    consent.answer_sign_ups()
    with override_settings(**FAR_AWAY):
        due_now()
        consent.answer_sign_ups()
    assert len(caplog.records) == 3
    assert "a…@example.org" in caplog.text
    assert ADA not in caplog.text


# Confirming


@pytest.mark.parametrize("status", [Standing.PENDING, Standing.UNSUBSCRIBED, Standing.BOUNCED])
def test_confirming_puts_on_the_list(status):
    ada = cast.subscriber(status=status)
    assert consent.confirm(ada.pk).status == Standing.ACTIVE
    ada.refresh_from_db()
    assert ada.consented_at
    assert ada.ended_at is None
    assert list(Subscriber.objects.wanting()) == [ada]


def test_confirming_twice_keeps_the_first_moment():
    ada = cast.subscriber(status=Standing.PENDING)
    first = consent.confirm(ada.pk).consented_at
    assert consent.confirm(ada.pk).consented_at == first


def test_who_was_suppressed_meanwhile_cannot_confirm():
    ada = cast.subscriber(status=Standing.PENDING)
    cast.suppress()
    with pytest.raises(consent.SuppressedError):
        consent.confirm(ada.pk)
    ada.refresh_from_db()
    assert ada.status == Standing.PENDING


def test_nobody_who_was_deleted_can_confirm():
    with pytest.raises(Subscriber.DoesNotExist):
        consent.confirm(7)


# Leaving


@pytest.mark.parametrize("status", [Standing.PENDING, Standing.ACTIVE])
def test_leaving_takes_off_the_list_and_out_of_the_queue(status):
    ada = cast.subscriber(status=status)
    waiting = cast.delivery(ada)
    sent = cast.delivery(ada, status=DeliveryStatus.SENT)
    others = cast.delivery(cast.subscriber("bob@example.org"))
    assert consent.leave(ada.pk).status == Standing.UNSUBSCRIBED
    statuses = dict(Delivery.objects.values_list("pk", "status"))
    assert statuses == {waiting.pk: "left", sent.pk: "sent", others.pk: "pending"}
    waiting.refresh_from_db()
    assert waiting.ended_at
    assert not Suppression.objects.exists()


def test_leaving_twice_keeps_the_first_moment():
    ada = cast.subscriber()
    first = consent.leave(ada.pk).ended_at
    assert consent.leave(ada.pk).ended_at == first


@pytest.mark.parametrize("status", [Standing.BOUNCED, Standing.COMPLAINED])
def test_who_is_off_the_list_for_another_reason_stays_so(status):
    ada = cast.subscriber(status=status)
    assert consent.leave(ada.pk).status == status


def test_who_was_deleted_has_left():
    assert consent.leave(7) is None


@pytest.mark.parametrize("standing", [Standing.BOUNCED, Standing.COMPLAINED])
def test_a_bounce_or_a_complaint_ends_it_and_suppresses(standing):
    ada = cast.subscriber()
    waiting = cast.delivery(ada)
    for _ in range(2):
        consent.end(ada, standing)
    ada.refresh_from_db()
    waiting.refresh_from_db()
    assert (ada.status, waiting.status) == (standing, DeliveryStatus.LEFT)
    suppression = Suppression.objects.get()
    assert (bytes(suppression.fingerprint), suppression.reason) == (fingerprint(ADA), standing)


def test_a_bounce_that_may_pass_does_not_suppress():
    ada = cast.subscriber()
    consent.end(ada, Standing.BOUNCED, suppress=False)
    assert not Suppression.objects.exists()
    assert not Subscriber.objects.wanting().exists()


@pytest.mark.parametrize(
    ("before", "standing", "after"),
    [
        (Standing.UNSUBSCRIBED, Standing.BOUNCED, Standing.UNSUBSCRIBED),
        (Standing.UNSUBSCRIBED, Standing.COMPLAINED, Standing.COMPLAINED),
        (Standing.BOUNCED, Standing.COMPLAINED, Standing.COMPLAINED),
        (Standing.COMPLAINED, Standing.BOUNCED, Standing.COMPLAINED),
    ],
)
def test_a_complaint_outweighs_and_a_bounce_does_not(before, standing, after):
    ada = cast.subscriber(status=before)
    consent.end(ada, standing)
    ada.refresh_from_db()
    assert ada.status == after
    assert Suppression.objects.exists()


def test_who_was_deleted_before_a_bounce_came_is_left_alone():
    ada = cast.subscriber()
    consent.forget(ada.pk)
    consent.end(ada, Standing.BOUNCED)
    assert Suppression.objects.get().reason == "deleted"


def test_after_a_change_of_keys_the_hash_under_both_is_suppressed():
    with override_settings(SECRET_KEY="the old one"):
        ada, old = cast.subscriber(), fingerprint(ADA)
    consent.end(ada, Standing.BOUNCED)
    marks = {bytes(mark) for (mark,) in Suppression.objects.values_list("fingerprint")}
    assert marks == {old, fingerprint(ADA)}


# Topics


def test_topics_are_what_was_chosen_last_and_unknown_ones_are_ignored():
    agents, models = cast.two_categories()
    ada = cast.subscriber(topics=[agents])
    consent.set_topics(ada.pk, [models.pk, models.pk, 10**15])
    assert list(ada.topics.all()) == [models]
    consent.set_topics(ada.pk, [])
    assert not ada.topics.exists()


# One's own data


def test_what_is_stored_can_be_had_as_json():
    agents, _ = cast.two_categories()
    ada = cast.subscriber(topics=[agents])
    cast.delivery(ada, cast.edition("2026-W47"), DeliveryStatus.SENT, reply="250 ok", attempts=1)
    cast.subscriber("bob@example.org")
    ask(source="/compare/")
    said = json.loads(json.dumps(consent.personal_data(ada.pk)))
    assert (said["email"], said["status"], said["topics"]) == (ADA, "active", ["agents"])
    assert said["consented_at"].startswith("20")
    assert said["sign_ups"][0]["source"] == "/compare/"
    [sent] = said["deliveries"]
    assert (sent["edition"], sent["address"], sent["reply"]) == ("2026-W47", ADA, "250 ok")
    assert "bob" not in json.dumps(said)


def test_who_is_forgotten_leaves_a_hash_and_counts():
    ada = cast.subscriber(topics=[cast.two_categories()[0]])
    cast.delivery(ada)
    cast.delivery(ada, status=DeliveryStatus.SENT, reply=f"250 {ADA} ok")
    ask()
    KeptMail.objects.create(sender="x", recipient=ADA, subject="x", message=b"x")
    for _ in range(2):
        consent.forget(ada.pk)
    assert not Subscriber.objects.exists()
    assert not KeptMail.objects.exists()
    assert SignUp.objects.get().email == ""
    rows = Delivery.objects.values_list("subscriber", "address", "reply", "status")
    assert sorted(rows) == [(None, "", "", "left"), (None, "", "", "sent")]
    suppression = Suppression.objects.get()
    assert suppression.reason == "deleted"
    assert bytes(suppression.fingerprint) == fingerprint(ADA)


def test_who_is_forgotten_stays_forgotten():
    ada = cast.subscriber()
    consent.forget(ada.pk)
    ask()
    consent.answer_sign_ups()
    assert not Subscriber.objects.exists()
    assert not mail.outbox


def test_who_is_forgotten_while_a_server_refuses_stays_forgotten(server, monkeypatch):
    def refused(message):
        consent.forget(Subscriber.objects.get().pk)
        raise smtplib.SMTPRecipientsRefused({ADA: (450, b"later")})

    server.answers = [refused]
    ask()
    consent.answer_sign_ups()
    due_now()
    assert consent.answer_sign_ups() == 1
    assert not Subscriber.objects.exists()
    assert not SignUp.objects.exclude(email="").exists()
    assert not mail.outbox
