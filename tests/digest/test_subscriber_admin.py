"""Subscribers on the desk: found, looked at and ended, but never put on the list."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from comparisons.digest.addresses import fingerprints
from comparisons.digest.desk import lists
from comparisons.digest.models import Standing, Subscriber, Suppression
from tests.cast import make_category
from tests.conftest import Page
from tests.digest import cast, desk
from tests.digest.cast import subscriber
from tests.digest.desk import member

pytestmark = pytest.mark.django_db

LIST = "/admin/digest/subscriber/"
DELIVERIES = "/admin/digest/delivery/"


def names(client, query=""):
    return Page(client.get(LIST + query)).all("#result_list th.field-email")


def end(client, action, *rows, confirmed=True):
    fields = {"action": action, "_selected_action": [row.pk for row in rows]}
    fields |= {"confirmed": "yes"} if confirmed else {}
    return Page(client.post(LIST, fields, follow=True))


def test_the_list_says_how_each_came_to_it():
    topic = make_category("Agents", "agents")
    subscriber("ada@example.org", topics=[topic])
    subscriber("bob@example.org", Standing.PENDING)
    page = Page(member("Editor").get(LIST))
    assert page.all("th.field-email") == ["bob@example.org", "ada@example.org"]
    assert page.all(".field-status_text") == ["Pending", "Active"]
    assert page.all(".field-topic_names") == ["All", "Agents"]
    assert page.all(".field-source") == ["/digest/", "/digest/"]


def test_one_is_found_by_address_or_its_beginning():
    for name in ("ada", "adam", "eve"):
        subscriber(f"{name}@example.org")
    client = member("Editor")
    subscriber("ada@example.org.uk")
    assert names(client, "?q=ADA@example.org") == ["ada@example.org"]
    assert names(client, "?q=ada@") == ["ada@example.org.uk", "ada@example.org"]
    assert names(client, "?q=ada") == [
        "ada@example.org.uk", "adam@example.org", "ada@example.org",
    ]  # fmt: skip
    assert names(client, "?q=example.org") == []
    assert names(client, "?q=%25") == names(client, "?q=_") == []


@pytest.mark.parametrize("typed", ["%00", "\0", "'", "\\", "%", "x" * 5000, "a@b@c"])
@pytest.mark.parametrize("address", [LIST, DELIVERIES, "/admin/digest/keptmail/"])
def test_whatever_is_typed_into_the_search_is_answered(address, typed):
    assert member("Editor").get(address, {"q": typed}).status_code == 200


def test_the_search_reads_the_index_of_beginnings():
    with connection.cursor() as cursor:
        # Of a table this small Postgres reads everything.
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Subscriber.objects.filter(lists.addressed("ada@exa")).order_by().explain()
    assert "Index Cond" in plan


def test_they_are_filtered_by_status_and_topic():
    topic = make_category("Agents", "agents")
    subscriber("ada@example.org", topics=[topic])
    subscriber("bob@example.org", Standing.UNSUBSCRIBED)
    client = member("Editor")
    assert names(client, "?status__exact=unsubscribed") == ["bob@example.org"]
    assert names(client, "?topic=agents") == ["ada@example.org"]
    assert names(client, "?topic=nonsense") == []


def test_a_long_list_stops_counting(monkeypatch):
    monkeypatch.setattr(lists, "MOST", 2)
    for number in range(3):
        subscriber(f"reader{number}@example.org")
    page = Page(member("Editor").get(LIST))
    assert page.one(".paginator").startswith("more than 2 subscribers")


def test_nobody_is_put_on_the_list_or_made_active_by_hand(admin_client):
    somebody = subscriber("ada@example.org", Standing.PENDING)
    assert admin_client.get(f"{LIST}add/").status_code == 403
    page = Page(admin_client.get(f"{LIST}{somebody.pk}/change/"))
    assert not page.tree.cssselect("#content form input:not([type=hidden]), #content select")
    fields = {"status": "active", "consented_at_0": "2026-11-01", "consented_at_1": "09:00"}
    assert admin_client.post(f"{LIST}{somebody.pk}/change/", fields).status_code == 403
    assert Subscriber.objects.get().status == Standing.PENDING
    assert admin_client.post(f"{LIST}{somebody.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_page_lists_what_was_sent_to_somebody():
    edition = desk.sending("ada@example.org")
    page = Page(member("Editor").get(f"{LIST}{Subscriber.objects.get().pk}/change/"))
    assert page.one(".fates li") == f"{edition.week} Pending"


def test_unsubscribing_asks_first():
    somebody = subscriber()
    client = member("Editor")
    page = end(client, "unsubscribe", somebody, confirmed=False)
    assert "They may sign up again." in page.text
    assert Subscriber.objects.get().status == Standing.ACTIVE
    sent = [field.get("name") for field in page.tree.cssselect("form.confirm [type=hidden]")]
    assert {"action", "_selected_action", "confirmed"} <= set(sent)


def test_one_is_unsubscribed_with_what_waits_for_them():
    edition = desk.sending("ada@example.org")
    page = end(member("Editor"), "unsubscribe", Subscriber.objects.get())
    assert "Unsubscribed: 1." in page.one(".messagelist")
    assert Subscriber.objects.get().status == Standing.UNSUBSCRIBED
    assert edition.deliveries.get().status == "left"
    assert not Suppression.objects.exists()


def test_one_is_suppressed_too():
    end(member("Editor"), "suppress", subscriber())
    assert Subscriber.objects.get().status == Standing.UNSUBSCRIBED
    assert Suppression.objects.get().reason == "asked"
    assert Suppression.objects.holds(fingerprints("ada@example.org"))


def test_one_who_is_deleted_leaves_no_address_behind_not_even_in_the_log():
    end(member("Administrator"), "forget", subscriber())
    assert not Subscriber.objects.exists()
    entry = LogEntry.objects.get()
    assert entry.object_repr == "a…@example.org"
    assert "ada" not in entry.change_message


@pytest.mark.parametrize(
    ("group", "action"),
    [("Author", "unsubscribe"), ("Publisher", "suppress"), ("Editor", "forget")],
)
def test_who_may_not_end_somebody_neither_sees_nor_forges_it(group, action):
    somebody = subscriber()
    client = member(group)
    answer = client.get(LIST)
    assert answer.status_code == (200 if group == "Editor" else 403)
    assert f'value="{action}"' not in answer.content.decode()
    client.post(LIST, {"action": action, "_selected_action": [somebody.pk], "confirmed": "yes"})
    assert Subscriber.objects.get().status == Standing.ACTIVE


@pytest.mark.parametrize("address", [LIST, DELIVERIES, "/admin/digest/suppression/"])
def test_lists_cost_the_same_however_long_they_are(address, django_assert_max_num_queries):
    desk.sending(*(f"reader{number}@example.org" for number in range(20)))
    for number in range(20):
        cast.suppress(f"gone{number}@example.org")
    client = member("Editor")
    with django_assert_max_num_queries(8):
        assert client.get(address).status_code == 200


def test_deliveries_are_read_and_found_by_address():
    edition = desk.sending("ada@example.org", "bob@example.org")
    client = member("Editor")
    page = Page(client.get(f"{DELIVERIES}?q=ada"))
    assert page.all("th.field-whom") == ["ada@example.org"]
    assert len(Page(client.get(f"{DELIVERIES}?edition={edition.week}")).all("th.field-whom")) == 2
    row = edition.deliveries.first()
    page = Page(client.get(f"{DELIVERIES}{row.pk}/change/"))
    assert f"<{edition.week.lower()}." in page.text
    assert client.post(f"{DELIVERIES}{row.pk}/change/", {"status": "sent"}).status_code == 403
    for group in ("Author", "Publisher"):
        assert member(group).get(DELIVERIES).status_code == 403


def test_the_list_is_handed_out_to_administrators_and_that_is_written_down():
    subscriber()
    client = member("Administrator")
    assert "Export as CSV" in Page(client.get(LIST)).one("form.export")
    answer = client.post(f"{LIST}export/")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert b"ada@example.org," in b"".join(answer.streaming_content)
    assert LogEntry.objects.get().change_message == "The list was exported."
    assert client.get(f"{LIST}export/").status_code == 405
    editor = member("Editor")
    assert not Page(editor.get(LIST)).tree.cssselect("form.export")
    assert editor.post(f"{LIST}export/").status_code == 403
