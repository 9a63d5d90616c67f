"""What is deleted when its time is over, held against what /privacy/ says."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from comparisons.digest import retention
from comparisons.digest.models import Delivery, Edition, SignUp, Standing, Subscriber, Suppression
from comparisons.digest.retention import forget_expired
from comparisons.digest.tokens import CONFIRM_AGE
from tests.digest import cast

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def ago(length):
    return timezone.now() - length


@pytest.mark.parametrize("answered", [True, False])
def test_sign_ups_go_when_their_time_is_over(answered):
    kept_for = retention.ANSWERED_SIGN_UP if answered else retention.WAITING_SIGN_UP
    facts = {"answered_at": timezone.now()} if answered else {"email": cast.ADA}
    SignUp.objects.create(asked_at=ago(kept_for + MINUTE), **facts)
    young = SignUp.objects.create(asked_at=ago(kept_for - MINUTE), **facts)
    assert forget_expired().sign_ups == 1
    assert SignUp.objects.get() == young


def test_who_never_confirmed_is_deleted_and_may_ask_again():
    long_ago = ago(retention.NEVER_CONFIRMED + MINUTE)
    cast.subscriber("a@example.org", Standing.PENDING, asked_at=long_ago, confirm_sent_at=long_ago)
    cast.subscriber("b@example.org", Standing.UNSUBSCRIBED, consented_at=None, asked_at=long_ago)
    kept = [
        cast.subscriber("c@example.org", Standing.PENDING, asked_at=ago(timedelta(days=29))),
        cast.subscriber(
            "d@example.org", Standing.PENDING, asked_at=long_ago, confirm_sent_at=timezone.now()
        ),
        cast.subscriber("e@example.org", Standing.ACTIVE, asked_at=long_ago),
        cast.subscriber("f@example.org", Standing.UNSUBSCRIBED, asked_at=long_ago),
        cast.subscriber("g@example.org", Standing.BOUNCED, consented_at=None, asked_at=long_ago),
    ]
    assert forget_expired().subscribers == 2
    assert list(Subscriber.objects.order_by("pk")) == kept
    assert not Suppression.objects.exists()


def test_addresses_and_replies_of_old_editions_are_blanked_and_the_rows_stay(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    ended = ago(retention.DELIVERY_ADDRESS + MINUTE)
    old = cast.edition("2026-W30", ended_at=ended)
    new = cast.edition("2026-W46", ended_at=ago(retention.DELIVERY_ADDRESS - MINUTE))
    for number in range(5):
        somebody = cast.subscriber(f"s{number}@example.org")
        cast.delivery(somebody, old, "sent", reply="250 ok")
        cast.delivery(somebody, new, "sent", reply="250 ok")
    assert forget_expired().addresses == 5
    assert set(old.deliveries.values_list("address", "reply", "status")) == {("", "", "sent")}
    assert Delivery.objects.exclude(address="").count() == 5
    assert Edition.objects.get(pk=old.pk).forgotten_at
    assert Edition.objects.get(pk=new.pk).forgotten_at is None
    assert forget_expired().addresses == 0


def test_an_edition_that_is_done_with_is_not_looked_at_again(django_assert_num_queries):
    cast.edition(ended_at=ago(2 * retention.DELIVERY_ADDRESS), forgotten_at=timezone.now())
    with django_assert_num_queries(5):  # sign-ups, editions, and the silent in a savepoint
        forget_expired()


def test_the_command_says_what_it_did(capsys):
    call_command("forget_subscribers")
    assert capsys.readouterr().out.startswith("Forgot 0 sign-ups, 0 addresses")


def test_privacy_says_for_how_long_in_the_codes_own_figures(site, monkeypatch):
    def said():
        return site.get("/privacy/").text

    assert f"the rest is kept for {retention.ANSWERED_SIGN_UP.days} days" in said()
    assert f"it waits, for {retention.WAITING_SIGN_UP.days} days at most" in said()
    assert f"The link to confirm holds {CONFIRM_AGE.days} days" in said()
    assert f"never confirmed is deleted after {retention.NEVER_CONFIRMED.days} days" in said()
    assert f"are deleted {retention.DELIVERY_ADDRESS.days} days after the edition" in said()
    assert "forget_subscribers" in site.get("/privacy/").all("code")
    monkeypatch.setattr(retention, "NEVER_CONFIRMED", timedelta(days=11))
    assert "never confirmed is deleted after 11 days" in said()
