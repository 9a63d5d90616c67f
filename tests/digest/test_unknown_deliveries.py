"""Deliveries of which nobody knows: an editor looks them up, and decides."""

import pytest
from django.contrib.admin.models import LogEntry

from comparisons.digest import editions
from comparisons.digest.messages import message_id
from comparisons.digest.models import Delivery
from tests.conftest import Page
from tests.digest import desk
from tests.digest.desk import LIST, member, unknown

pytestmark = pytest.mark.django_db


@pytest.fixture
def edition():
    return desk.sending("ada@example.org", "bob@example.org", "eve@example.org")


def place(edition):
    return f"{LIST}{edition.pk}/unknowns/"


def statuses(edition):
    return list(edition.deliveries.order_by("pk").values_list("status", flat=True))


def test_each_is_listed_with_what_a_log_knows_it_by(edition):
    row = unknown(edition)[0]
    page = Page(member("Editor").get(place(edition)))
    assert page.all(".unknowns tbody th") == [
        "ada@example.org",
        "bob@example.org",
        "eve@example.org",
    ]
    assert page.all(".message-id")[0] == message_id(edition, row.subscriber_id)
    assert "The worker was lost." in page.text
    assert "What to look for." in page.text


def test_none_is_said_to_be_none(edition):
    assert "Nothing is unknown" in Page(member("Editor").get(place(edition))).text


@pytest.mark.parametrize(("decision", "status"), [("arrived", "sent"), ("again", "pending")])
def test_chosen_ones_are_settled_after_a_question(edition, decision, status):
    client, rows = member("Editor"), unknown(edition)
    fields = {"decision": decision, "chosen": [rows[0].pk, rows[2].pk]}
    page = Page(client.post(place(edition), fields))
    assert page.tree.cssselect("form.confirm")
    assert statuses(edition) == ["unknown"] * 3
    hidden = {
        (field.get("name"), field.get("value"))
        for field in page.tree.cssselect("form.confirm [type=hidden]")
        if field.get("name") != "csrfmiddlewaretoken"
    }
    sent = {"chosen": [value for name, value in hidden if name == "chosen"]}
    sent |= {name: value for name, value in hidden if name != "chosen"}
    answer = Page(client.post(place(edition), sent, follow=True))
    assert statuses(edition) == [status, "unknown", status]
    assert ": 2." in answer.one(".messagelist")
    assert LogEntry.objects.get().get_change_message().endswith(": 2.")


def test_all_that_the_page_showed_are_settled_and_none_that_came_later(edition):
    client, (first, _, last) = member("Editor"), unknown(edition)
    Delivery.objects.filter(pk=last.pk).update(status="sending")
    page = Page(client.get(place(edition)))
    shown = page.tree.cssselect("[name=shown]")[0].get("value")
    Delivery.objects.filter(pk=last.pk).update(status="unknown")
    fields = {"decision": "arrived", "all": "yes", "shown": shown, "confirmed": "yes"}
    fields["chosen"] = [first.pk]
    client.post(place(edition), fields)
    assert statuses(edition) == ["unknown", "sent", "unknown"] or statuses(edition) == [
        "sent", "sent", "unknown",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"decision": "arrived"}, "choose at least one"),
        ({"decision": "arrived", "chosen": ["x", "-1", "9" * 30, "²"]}, "choose at least one"),
        ({"decision": "arrived", "all": "yes", "shown": "1 \0 2"}, "choose at least one"),
        ({"decision": "burn", "chosen": ["1"]}, "say whether they arrived"),
        ({}, "say whether they arrived"),
    ],
)
def test_a_wrong_form_settles_nothing_and_says_why(edition, fields, sentence):
    rows = unknown(edition)
    Delivery.objects.exclude(pk__in=[row.pk for row in rows]).delete()
    page = Page(member("Editor").post(place(edition), fields))
    assert sentence in page.one(".errornote")
    assert statuses(edition) == ["unknown"] * 3


def test_a_delivery_of_another_edition_is_none_of_this_one(edition):
    row = unknown(edition)[0]
    editions.cancel(edition)
    other = desk.Edition.objects.create(
        week="2020-W01", subject="Old", since=edition.since, until=edition.until
    )
    fields = {"decision": "arrived", "chosen": [row.pk], "confirmed": "yes"}
    member("Editor").post(place(other), fields)
    assert statuses(edition)[0] == "unknown"


def test_nothing_of_a_cancelled_edition_is_sent_again(edition):
    rows = unknown(edition)
    editions.cancel(edition)
    fields = {"decision": "again", "chosen": [rows[0].pk], "confirmed": "yes"}
    page = Page(member("Editor").post(place(edition), fields))
    assert "This edition was cancelled" in page.one(".errornote")


@pytest.mark.parametrize("group", ["Author", "Publisher"])
def test_addresses_are_for_those_who_may_see_deliveries(edition, group):
    client = member(group)
    assert client.get(place(edition)).status_code == 403
    assert client.post(place(edition), {}).status_code == 403


def test_who_may_look_and_not_send_has_no_buttons(edition):
    rows = unknown(edition)
    client = member("Editor")
    group = client.user.groups.get()
    group.permissions.remove(group.permissions.get(codename="send_edition"))
    assert not Page(client.get(place(edition))).tree.cssselect("button[name=decision]")
    fields = {"decision": "arrived", "chosen": [rows[0].pk], "confirmed": "yes"}
    assert client.post(place(edition), fields).status_code == 403


def test_the_page_costs_the_same_however_many_there_are(edition, django_assert_max_num_queries):
    unknown(edition)
    client = member("Editor")
    with django_assert_max_num_queries(8):
        client.get(place(edition))
