from datetime import timedelta

import pytest
from django.utils import timezone

from reviews.client_addresses import address_hash, client_address
from reviews.purging import purge
from reviews.retention import ADDRESS_HASH
from reviews.votes import AddressKey, Vote
from tests.cast import delta


def seen(remote="192.0.2.1", forwarded=None):
    meta = {"REMOTE_ADDR": remote}
    return meta if forwarded is None else meta | {"HTTP_X_FORWARDED_FOR": forwarded}


@pytest.mark.parametrize(
    ("proxies", "meta", "address"),
    [
        (0, seen(), "192.0.2.1"),
        (0, seen(forwarded="198.51.100.1"), "192.0.2.1"),
        (1, seen(forwarded="198.51.100.1"), "198.51.100.1"),
        (1, seen(forwarded="6.6.6.6, 198.51.100.1"), "198.51.100.1"),
        (2, seen(forwarded="6.6.6.6, 198.51.100.1, 10.0.0.2"), "198.51.100.1"),
        (2, seen(forwarded="198.51.100.1"), "192.0.2.1"),
        (1, seen(), "192.0.2.1"),
        (1, seen(forwarded=""), "192.0.2.1"),
        (1, seen(forwarded="unknown"), ""),
        (0, seen("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"),
        (0, seen("2001:db8:1:2:ffff::1"), "2001:db8:1:2::/64"),
        (0, seen("::ffff:192.0.2.1"), "192.0.2.1"),
        (0, seen("fe80::1%eth0"), "fe80::/64"),
        (0, seen(""), ""),
        (0, {}, ""),
    ],
)
def test_the_client_is_whom_the_outermost_proxy_of_ours_saw(settings, proxies, meta, address):
    settings.PROXY_COUNT = proxies
    assert client_address(meta) == address


@pytest.mark.django_db
def test_a_hash_is_the_same_for_a_day_and_another_under_the_next_key():
    first = address_hash(seen())
    assert address_hash(seen()) == first
    assert address_hash(seen("192.0.2.2")) != first
    AddressKey.objects.update(day=timezone.now().date() - timedelta(days=1))
    assert address_hash(seen()) != first
    assert AddressKey.objects.count() == 1  # yesterday's is gone


@pytest.mark.django_db
def test_what_is_past_its_time_is_deleted():
    tool, now = delta(), timezone.now()
    AddressKey.objects.create(day=now.date() - timedelta(days=1), key=b"old")
    AddressKey.objects.create(day=now.date(), key=b"new")
    for number, age in enumerate((timedelta(), ADDRESS_HASH + timedelta(minutes=1))):
        Vote.objects.create(
            tool=tool, voter=f"{number:032x}", choice="ship", address=b"h", cast_at=now - age
        )
    assert purge() == (1, 1)
    assert bytes(AddressKey.objects.get().key) == b"new"
    assert [bool(vote.address) for vote in Vote.objects.order_by("-cast_at")] == [True, False]
    assert purge() == (0, 0)
