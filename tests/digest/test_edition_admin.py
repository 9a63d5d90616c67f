"""Editions on the desk: written, approved, started, paused, cancelled, by whom and when."""

from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.utils import timezone

from comparisons.digest import editions
from comparisons.digest.models import Delivery, Edition, Stage
from comparisons.digest.outbox import KeptMail
from tests import cast
from tests.conftest import Page
from tests.digest import desk
from tests.digest.desk import LIST, member, page_of, reread
from tools.models import Tool

pytestmark = pytest.mark.django_db

STAGES = {
    "draft": desk.draft,
    "approved": desk.approved,
    "sending": lambda: desk.sending("ada@example.org"),
    "paused": lambda: desk.paused("ada@example.org"),
}


def form_of(client, edition, name):
    """The fields of one of the page's forms, as a browser would send them."""
    page = Page(client.get(page_of(edition)))
    (form,) = page.tree.cssselect(f"form.act-{name}")
    fields = {field.get("name"): field.get("value") or "" for field in form.cssselect("input")}
    return fields | {"_act": name}


def words_of(client, edition):
    page = Page(client.get(page_of(edition)))
    form = page.tree.forms[[form.get("id") for form in page.tree.forms].index("edition_form")]
    return {name: value for name, value in form.form_values() if name != "csrfmiddlewaretoken"}


def act(client, edition, name, follow=True, **fields):
    """Press a button as the page offers it, and answer what it asks."""
    fields = form_of(client, edition, name) | {"confirmed": "yes"} | fields
    return Page(client.post(page_of(edition), fields, follow=follow))


# Writing


def test_subject_and_introduction_are_written_while_it_is_a_draft():
    client, edition = member("Editor"), desk.draft()
    fields = words_of(client, edition) | {"subject": "Alpha ships", "intro": "It **does**."}
    page = Page(client.post(page_of(edition), fields | {"_continue": "Save"}, follow=True))
    edition = reread(edition)
    assert (edition.subject, edition.intro_html) == (
        "Alpha ships",
        "<p>It <strong>does</strong>.</p>",
    )
    assert "was changed successfully" in page.one(".messagelist")


def test_an_approved_edition_is_not_written_and_what_was_entered_is_given_back():
    client, edition = member("Editor"), desk.draft()
    fields = words_of(client, edition) | {"subject": "Too late", "intro": "Lost?"}
    editions.approve(edition, "noor", None, editions.render(edition).digest)
    page = Page(client.post(page_of(edition), fields))
    assert "Not saved: it is approved meanwhile" in page.text
    assert page.tree.cssselect("#lost-subject")[0].get("value") == "Too late"
    assert page.one("#lost-intro") == "Lost?"
    assert reread(edition).subject != "Too late"


def test_of_two_editors_the_later_is_told_and_loses_nothing():
    mira, noor = member("Editor", "mira"), member("Editor", "noor")
    edition = desk.draft()
    hers, his = words_of(mira, edition), words_of(noor, edition)
    mira.post(page_of(edition), hers | {"subject": "Mira’s", "intro": "First."})
    entered = his | {"subject": "Noor’s", "intro": "First."}
    page = Page(noor.post(page_of(edition), entered))
    assert "Somebody else has saved this meanwhile." in page.text
    assert "mira was quicker" in page.one(".conflict h2")
    assert page.all(".conflict h3") == ["Subject"]
    assert reread(edition).subject == "Mira’s"
    form = next(form for form in page.tree.forms if form.get("id") == "edition_form")
    assert form.fields["subject"] == "Noor’s"
    again = {name: value for name, value in form.form_values() if name != "csrfmiddlewaretoken"}
    noor.post(page_of(edition), again)
    assert reread(edition).subject == "Noor’s"


def test_two_editors_who_enter_the_same_are_not_bothered():
    mira, noor = member("Editor", "mira"), member("Editor", "noor")
    edition = desk.draft()
    hers, his = words_of(mira, edition), words_of(noor, edition)
    mira.post(page_of(edition), hers | {"subject": "The same"})
    assert noor.post(page_of(edition), his | {"subject": "The same"}).status_code == 302


@pytest.mark.parametrize("subject", ["", "x" * 151])
def test_a_wrong_subject_comes_back_as_it_was_entered(subject):
    client, edition = member("Editor"), desk.draft()
    page = Page(client.post(page_of(edition), words_of(client, edition) | {"subject": subject}))
    assert page.all(".errors.field-subject, .field-subject .errorlist")
    assert reread(edition).subject != subject


# What it says of itself


def test_a_page_says_what_it_tells_and_what_is_missing():
    page = Page(member("Editor").get(page_of(desk.draft())))
    assert "Alpha" in page.one("#told")
    assert "Nobody is on the list yet" in page.one(".lacks")
    desk.subscriber()
    page = Page(member("Editor", "noor").get(page_of(Edition.objects.get())))
    assert page.one(".complete") == "Nothing is missing."


def test_a_page_says_that_nothing_is_sent_anywhere_and_where_the_mails_are():
    desk.worker()
    page = Page(member("Editor").get(page_of(desk.draft())))
    assert "Nothing is sent anywhere." in page.one(".note-warning")
    assert "/admin/digest/keptmail/" in page.links(".note-warning a")


def test_a_page_says_what_the_operator_has_to_set(settings):
    settings.DIGEST_IS_SENT, settings.DIGEST_POSTAL_ADDRESS = True, ""
    desk.worker()
    page = Page(member("Editor").get(page_of(desk.draft())))
    assert "The sender’s postal address is missing" in page.one(".lacks")
    assert not page.tree.cssselect(".note-warning")


def test_an_edition_with_nothing_in_it_says_so():
    edition = desk.draft()
    Edition.objects.update(content={})
    page = Page(member("Editor").get(page_of(edition)))
    assert "There is nothing in it. Publish something, then build it again." in page.one(".lacks")


def test_an_edition_that_is_too_long_says_so_and_is_not_approved():
    client, edition = member("Editor"), desk.draft()
    Edition.objects.update(intro="é " * 9900)
    page = Page(client.get(page_of(edition)))
    assert "shorten the introduction" in page.one(".lacks")
    page = act(client, edition, "approve")
    assert "shorten the introduction" in page.one(".act-approve .errornote")
    assert reread(edition).status == Stage.DRAFT


# Approving


def test_an_approval_is_prefilled_with_the_slot_of_the_week_and_written_down():
    client, edition = member("Editor"), desk.draft()
    slot = editions.slot_of(edition.week)
    fields = form_of(client, edition, "approve")
    if slot > timezone.now():
        assert fields["approve-starts_at_0"] == f"{slot:%Y-%m-%d}"
        assert fields["approve-starts_at_1"] == f"{slot:%H:%M:%S}"
    moment = (timezone.now() + timedelta(days=1)).replace(second=0, microsecond=0)
    when = {"approve-starts_at_0": f"{moment:%Y-%m-%d}", "approve-starts_at_1": f"{moment:%H:%M}"}
    page = Page(client.post(page_of(edition), fields | when, follow=True))
    edition = reread(edition)
    assert (edition.status, edition.starts_at, edition.approved_by) == (
        "approved",
        moment,
        "editor",
    )
    assert f"is approved and starts on {moment:%-d %b %Y, %H:%M} UTC." in page.one(".messagelist")
    entry = LogEntry.objects.get()
    assert entry.user == client.user
    assert entry.get_change_message().startswith("Approve: it is approved")
    assert "by editor" in page.one("#log-title + .desk-lines")


def test_an_approval_without_a_time_starts_at_once():
    client, edition = member("Editor"), desk.draft()
    when = {"approve-starts_at_0": "", "approve-starts_at_1": ""}
    page = act(client, edition, "approve", **when)
    assert "is approved and starts now." in page.one(".messagelist")
    assert reread(edition).starts_at <= timezone.now()


def test_a_time_in_the_past_is_refused_beside_its_field():
    client, edition = member("Editor"), desk.draft()
    when = {"approve-starts_at_0": "2020-01-01", "approve-starts_at_1": "09:00"}
    page = act(client, edition, "approve", **when)
    assert "This moment has passed." in page.one(".act-approve .errorlist")
    assert page.tree.cssselect("[name=approve-starts_at_0]")[0].get("value") == "2020-01-01"
    assert reread(edition).status == Stage.DRAFT


def test_what_changed_since_it_was_looked_at_is_not_approved():
    client, edition = member("Editor"), desk.draft()
    fields = form_of(client, edition, "approve")
    Tool.objects.update(name="Another name")
    page = Page(client.post(page_of(edition), fields))
    assert "has changed since you looked" in page.one(".act-approve .errornote")
    assert reread(edition).status == Stage.DRAFT
    again = form_of(client, edition, "approve")
    assert again["approve-seen"] != fields["approve-seen"]
    client.post(page_of(edition), again)
    assert reread(edition).status == Stage.APPROVED


def test_a_subject_that_somebody_changed_meanwhile_is_not_approved():
    client, edition = member("Editor"), desk.draft()
    fields = form_of(client, edition, "approve")
    Edition.objects.update(subject="Something else")
    page = Page(client.post(page_of(edition), fields))
    assert "Somebody changed the subject or the introduction" in page.one(".act-approve .errornote")
    assert reread(edition).status == Stage.DRAFT


def test_an_edition_with_nothing_left_in_it_is_not_approved():
    client, edition = member("Editor"), desk.draft()
    fields = form_of(client, edition, "approve")
    Tool.objects.update(status="withdrawn")
    page = Page(client.post(page_of(edition), fields))
    assert "There is nothing in it" in page.one(".act-approve .errornote")
    assert reread(edition).status == Stage.DRAFT


def test_what_the_operator_has_to_set_stops_an_approval(settings):
    settings.DIGEST_IS_SENT, settings.DIGEST_POSTAL_ADDRESS = True, ""
    client, edition = member("Editor"), desk.draft()
    page = act(client, edition, "approve")
    assert "The sender’s postal address is missing" in page.one(".act-approve .errornote")


def test_an_approval_without_what_was_seen_is_refused():
    client, edition = member("Editor"), desk.draft()
    page = Page(client.post(page_of(edition), {"_act": "approve"}))
    assert "This page is too old." in page.text
    assert reread(edition).status == Stage.DRAFT


def test_an_approval_is_taken_back():
    client, edition = member("Editor"), desk.approved()
    act(client, edition, "unapprove")
    assert reread(edition).status == Stage.DRAFT


# Sending


def test_starting_now_asks_first_and_freezes_the_recipients():
    client, edition = member("Editor"), desk.approved()
    desk.subscriber()
    page = Page(client.post(page_of(edition), form_of(client, edition, "start")))
    assert "to everybody who is on the list at this moment" in page.text
    assert reread(edition).status == Stage.APPROVED
    act(client, edition, "start")
    assert (reread(edition).status, reread(edition).recipients) == (Stage.SENDING, 1)


def test_a_page_says_when_an_edition_started_and_no_more_when_it_was_to():
    client, edition = member("Editor"), desk.sending("ada@example.org")
    page = Page(client.get(page_of(edition)))
    facts = dict(zip(page.all("dt"), page.all("dd"), strict=False))
    assert facts["Started"] == f"{edition.started_at:%-d %b %Y, %H:%M} UTC"
    assert "Starts" not in facts


def test_a_pause_says_by_whom_and_why_and_goes_on():
    client, edition = member("Editor"), desk.sending("ada@example.org")
    page = act(client, edition, "pause", **{"pause-reason": "A typing error."})
    assert reread(edition).pause_reason == "Paused by editor: A typing error."
    assert "A typing error." in page.one(".progress-reason")
    act(client, edition, "resume")
    assert reread(edition).status == Stage.SENDING


def test_cancelling_asks_first_and_says_who_has_it_already():
    client = member("Editor")
    edition = desk.sending("ada@example.org", "bob@example.org", "eve@example.org")
    first = Delivery.objects.first()
    Delivery.objects.filter(pk=first.pk).update(status="sent")
    page = Page(client.post(page_of(edition), form_of(client, edition, "cancel")))
    assert "1 of 3 have been sent it" in page.text
    assert "2 will never get it" in page.text
    assert "leaves the archive" in page.text
    assert reread(edition).status == Stage.SENDING
    act(client, edition, "cancel")
    assert reread(edition).status == Stage.CANCELLED
    assert client.get(f"/digest/{edition.week.lower()}/").status_code == 404


def test_a_move_that_somebody_else_made_first_is_refused_beside_its_button():
    client, edition = member("Editor"), desk.sending("ada@example.org")
    fields = form_of(client, edition, "pause")
    editions.cancel(edition)
    answer = client.post(page_of(edition), fields)
    assert answer.status_code == 200
    assert Page(answer).one("#next .errornote") == "What is cancelled cannot become paused."


# A test, and building again


def test_a_test_goes_to_the_editors_own_address_and_nowhere_else(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client, edition = member("Editor"), desk.draft()
    act(client, edition, "test")
    (message,) = mail.outbox
    assert message.to == ["mira@example.org"]
    assert message.subject == edition.subject


def test_a_test_is_kept_where_there_is_no_mail_server(settings):
    settings.EMAIL_BACKEND = "comparisons.digest.outbox.KeepingBackend"
    page = act(member("Editor"), desk.draft(), "test")
    assert KeptMail.objects.get().recipient == "mira@example.org"
    assert "was kept as a test" in page.one(".messagelist")


@pytest.mark.parametrize("address", ["", "müller@exämple"])
def test_an_account_without_an_address_is_told_who_gives_it_one(address):
    page = act(member("Editor", email=address), desk.draft(), "test")
    assert "has no email address that a mail can go to" in page.one(".act-test .errornote")


def test_a_mail_server_that_is_away_is_told_beside_the_button(monkeypatch):
    def away(self, messages):
        raise SMTPServerDisconnected("Connection unexpectedly closed")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", away)
    page = act(member("Editor"), desk.draft(), "test")
    assert "did not take it: Connection unexpectedly closed" in page.one(".act-test .errornote")


def test_building_again_takes_in_what_is_new_and_keeps_the_words():
    client, edition = member("Editor"), desk.draft()
    Edition.objects.update(subject="Mine")
    cast.beta()
    page = act(client, edition, "rebuild")
    assert "Beta" in page.one("#told")
    assert reread(edition).subject == "Mine"


# Who may

MAY = {
    "approve": "draft", "unapprove": "approved", "start": "approved", "pause": "sending",
    "resume": "paused", "cancel": "sending", "test": "draft", "rebuild": "draft",
}  # fmt: skip


@pytest.mark.parametrize("group", ["Author", "Publisher"])
@pytest.mark.parametrize("name", MAY)
def test_an_author_and_a_publisher_look_on(group, name):
    client, edition = member(group), STAGES[MAY[name]]()
    before = reread(edition).status
    page = Page(client.get(page_of(edition)))
    assert not page.tree.cssselect("form.act")
    answer = client.post(page_of(edition), {"_act": name, "confirmed": "yes"})
    assert answer.status_code == 403
    assert reread(edition).status == before
    assert client.post(page_of(edition), {"subject": "x", "intro": ""}).status_code in (200, 403)
    assert reread(edition).subject != "x"


@pytest.mark.parametrize("group", ["Editor", "Administrator"])
@pytest.mark.parametrize("stage", STAGES)
def test_buttons_are_what_the_table_of_moves_allows(group, stage):
    page = Page(member(group).get(page_of(STAGES[stage]())))
    assert [button.get("value") for button in page.tree.cssselect("button[name=_act]")] == {
        "draft": ["approve", "test", "rebuild", "cancel"],
        "approved": ["start", "unapprove", "test", "cancel"],
        "sending": ["pause", "cancel"],
        "paused": ["resume", "cancel"],
    }[stage]


@pytest.mark.parametrize("name", ["burn", "", "approve\0"])
def test_an_act_that_is_none_is_not_found(name):
    answer = member("Editor").post(page_of(desk.draft()), {"_act": name})
    assert answer.status_code == 404


def test_nobody_adds_or_deletes_an_edition_by_hand(admin_client):
    edition = desk.draft()
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{edition.pk}/delete/").status_code == 403


@pytest.mark.parametrize("place", ["change/", "progress/", "unknowns/", "light/frame/"])
@pytest.mark.parametrize("key", ["999", "0", "9" * 20])
def test_an_edition_that_is_not_there_is_not_found(place, key):
    assert member("Editor").get(f"{LIST}{key}/{place}").status_code in (302, 404)


# The list


def test_the_draft_is_made_by_a_button_when_something_changed():
    client = member("Editor")
    page = Page(client.post(f"{LIST}draft/", follow=True))
    assert "Nothing has changed since the last edition" in page.one(".messagelist")
    cast.alpha()
    client.post(f"{LIST}draft/")
    assert Edition.objects.get().status == Stage.DRAFT
    assert client.post(f"{LIST}draft/").status_code == 302
    assert Edition.objects.count() == 1
    assert member("Author").post(f"{LIST}draft/").status_code == 403
    assert client.get(f"{LIST}draft/").status_code == 405


def test_the_list_says_how_much_was_sent():
    edition = desk.sending("ada@example.org", "bob@example.org", "eve@example.org")
    Delivery.objects.filter(pk__in=Delivery.objects.values("pk")[:2]).update(status="sent")
    page = Page(member("Author").get(LIST))
    assert page.all("#result_list .field-stage_text") == ["Sending"]
    assert page.all("#result_list .field-recipients_text") == ["3"]
    assert page.all("#result_list .field-sent_text") == ["66.6%"]
    assert page.all("#result_list th.field-week") == [edition.week]


def test_list_and_page_cost_a_constant_number_of_queries(django_assert_max_num_queries):
    client = member("Editor")
    edition = desk.sending(*(f"reader{number}@example.org" for number in range(20)))
    with django_assert_max_num_queries(8):
        client.get(LIST)
    with django_assert_max_num_queries(13):
        client.get(page_of(edition))
