"""Suppressed addresses on the desk: typed to add one and to lift one, kept as hashes alone."""

import pytest
from django.contrib.admin.models import LogEntry

from comparisons.digest.addresses import fingerprints
from comparisons.digest.models import Standing, Subscriber, Suppression
from tests.conftest import Page
from tests.digest import desk
from tests.digest.cast import subscriber, suppress
from tests.digest.desk import member

pytestmark = pytest.mark.django_db

LIST = "/admin/digest/suppression/"


def add(client, address):
    return client.post(f"{LIST}add/", {"address": address}, follow=True)


def lift(client, address):
    return client.post(f"{LIST}lift/", {"address": address}, follow=True)


def test_a_typed_address_is_kept_as_a_hash():
    answer = add(member("Editor"), " Ada@Example.ORG ")
    row = Suppression.objects.get()
    assert bytes(row.fingerprint) in fingerprints("ada@example.org")
    assert row.reason == "asked"
    assert "ada@" not in answer.content.decode().lower()
    assert "ada" not in LogEntry.objects.get().object_repr


def test_whoever_has_it_is_taken_off_the_list():
    edition = desk.sending("ada@example.org")
    add(member("Editor"), "ada@example.org")
    assert Subscriber.objects.get().status == Standing.UNSUBSCRIBED
    assert edition.deliveries.get().status == "left"


@pytest.mark.parametrize(
    "typed",
    ["", "ada", "a@b@c", "ada@exa mple.org", "ada@example.org\nBcc: x@y.org", "x" * 300 + "@a.org",
     "a\0da@example.org", "ädä@example.org"],
)  # fmt: skip
@pytest.mark.parametrize("act", [add, lift])
def test_what_is_no_address_comes_back_with_the_complaint(act, typed):
    page = Page(act(member("Editor"), typed))
    assert page.one(".errorlist")
    assert not Suppression.objects.exists()


def test_an_address_that_is_suppressed_already_says_since_when():
    suppress()
    page = Page(add(member("Editor"), "ada@example.org"))
    assert "It is suppressed already. Bounced, " in page.one(".field-address .errorlist")
    assert Suppression.objects.count() == 1


def test_a_lifted_address_may_sign_up_again_and_is_not_on_the_list():
    subscriber(status=Standing.BOUNCED)
    suppress()
    page = Page(lift(member("Editor"), "ADA@example.org"))
    assert "Lifted: a…@example.org may sign up again." in page.one(".messagelist")
    assert not Suppression.objects.exists()
    assert Subscriber.objects.get().status == Standing.BOUNCED
    assert "ada" not in LogEntry.objects.get().object_repr


def test_lifting_what_is_not_suppressed_says_so():
    page = Page(lift(member("Editor"), "ada@example.org"))
    assert "This address is not suppressed." in page.one(".errorlist")


def test_the_list_shows_when_and_why_and_offers_no_deleting(admin_client):
    row = suppress()
    page = Page(admin_client.get(LIST))
    assert page.all(".field-reason") == ["Bounced"]
    assert not page.tree.cssselect("select[name=action]")
    assert admin_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("group", ["Author", "Publisher"])
def test_others_neither_see_nor_change_them(group):
    client = member(group)
    assert client.get(LIST).status_code == 403
    assert add(client, "ada@example.org").status_code == 403
    assert lift(client, "ada@example.org").status_code == 403
