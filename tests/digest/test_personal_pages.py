"""What links in mails lead to: confirming, leaving, preferences, one's data, and deletion."""

import json
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail, signing
from django.test import Client, override_settings
from django.utils import timezone

from comparisons.digest.consent import answer_sign_ups, ask
from comparisons.digest.content import Content
from comparisons.digest.messages import Letter
from comparisons.digest.models import (
    Delivery,
    DeliveryStatus,
    Edition,
    SignUp,
    Standing,
    Subscriber,
    Suppression,
)
from comparisons.digest.rendering import render
from comparisons.digest.tokens import CONFIRM_AGE, Purpose, token_for
from tests.cast import alpha, beta, compare, make_tool
from tests.digest import cast
from tests.digest.cast import ADA, FORM, confirm_page, leave_page, page_of, preferences_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    """Somebody's browser or mail program: no cookie, no origin, and Django's own checks on."""
    return Client(enforce_csrf_checks=True)


def status_of(somebody):
    return Subscriber.objects.get(pk=somebody.pk).status


def everything():
    """All that opening a page must not change."""
    return [
        list(kind.objects.order_by("pk").values())
        for kind in (Subscriber, Suppression, SignUp, Delivery, Subscriber.topics.through)
    ]


# Confirming


def test_opening_the_link_shows_a_button_and_changes_nothing(site):
    agents, _ = cast.two_categories()
    ada = cast.subscriber(status=Standing.PENDING, topics=[agents])
    page = site.get(confirm_page(ada))
    assert page.one("h1") == "Shall we put you on the list?"
    assert page.one("main button") == "Yes, put me on the list"
    assert ADA in page.text
    assert page.all(".topic-list li") == ["Agents"]
    assert status_of(ada) == Standing.PENDING


def test_the_button_confirms_and_pressing_twice_is_as_good_as_once(browser):
    ada = cast.subscriber(status=Standing.PENDING)
    for _ in range(2):
        answer = browser.post(confirm_page(ada))
        assert answer.status_code == 200
        assert b"You are on the list" in answer.content
        assert not answer.cookies
    assert status_of(ada) == Standing.ACTIVE


def test_who_has_confirmed_is_told_so(site):
    assert site.get(confirm_page(cast.subscriber())).one("h1") == "You are on the list"


def test_where_there_is_nothing_to_choose_nobody_is_promised_a_choice_of_topics(site):
    alpha()
    ada = cast.subscriber()
    letter = Letter.of(cast.edition(status="draft"), [])
    assert not site.get(preferences_page(ada)).all("fieldset")
    assert "topics" not in site.get(confirm_page(ada)).text.lower()
    assert "choose topics" not in (letter.html + letter.text).lower()


def test_a_link_to_confirm_holds_for_days_and_no_longer(browser, monkeypatch):
    ada = cast.subscriber(status=Standing.PENDING)
    address = confirm_page(ada)
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + CONFIRM_AGE.total_seconds() - 5)
    assert browser.get(address).status_code == 200
    monkeypatch.setattr(signing.time, "time", lambda: now + CONFIRM_AGE.total_seconds() + 5)
    for ask_for in (browser.get, browser.post):
        answer = ask_for(address)
        assert answer.status_code == 410
        assert b"This link has expired" in answer.content
        assert b"holds 7 days" in answer.content
    assert status_of(ada) == Standing.PENDING


def test_who_was_suppressed_meanwhile_is_told_that_it_cannot_be(browser):
    ada = cast.subscriber(status=Standing.PENDING)
    cast.suppress()
    answer = browser.post(confirm_page(ada))
    assert answer.status_code == 410
    assert b"This address gets no mail from us" in answer.content


# Leaving

ONE_CLICK = "List-Unsubscribe=One-Click"
MULTIPART = (
    '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
)
CLICKS = [
    (ONE_CLICK, FORM),
    (MULTIPART, "multipart/form-data; boundary=x"),
    ("", FORM),
    ("", ""),
    ("--broken", "multipart/form-data; boundary=x"),
    ("{}", "application/json"),
    ("x" * 1_000_000, FORM),  # larger bodies are taken nowhere: 413
    ("%ff%00", "application/x-www-form-urlencoded; charset=utf-16"),
]


@pytest.mark.parametrize(("body", "kind"), CLICKS)
def test_any_post_leaves_without_cookie_origin_or_redirect(browser, body, kind):
    ada = cast.subscriber()
    for _ in range(2):
        answer = browser.post(leave_page(ada), body, kind, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 200
        assert not answer.cookies
    assert status_of(ada) == Standing.UNSUBSCRIBED


def test_a_click_without_the_slash_is_not_sent_elsewhere(browser):
    ada = cast.subscriber()
    assert browser.post(leave_page(ada).rstrip("/"), ONE_CLICK, FORM).status_code == 200
    assert status_of(ada) == Standing.UNSUBSCRIBED


@override_settings(SECURE_SSL_REDIRECT=False, APPEND_SLASH=True)
def test_opening_the_link_shows_one_button_and_takes_nobody_off(site):
    ada = cast.subscriber()
    cast.delivery(ada)
    page = site.get(leave_page(ada))
    assert page.one("main button") == "Leave"
    assert status_of(ada) == Standing.ACTIVE
    assert Delivery.objects.get().status == DeliveryStatus.PENDING


def test_leaving_takes_what_waits_out_of_the_queue(browser):
    ada = cast.subscriber()
    cast.delivery(ada)
    browser.post(leave_page(ada), ONE_CLICK, FORM)
    assert Delivery.objects.get().status == DeliveryStatus.LEFT


def test_a_link_to_leave_never_expires(browser, monkeypatch):
    ada = cast.subscriber()
    address, now = leave_page(ada), signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 20 * 365 * 24 * 3600)
    assert browser.post(address).status_code == 200
    assert status_of(ada) == Standing.UNSUBSCRIBED


def test_a_link_to_leave_outlives_a_change_of_keys(browser):
    ada = cast.subscriber()
    address = leave_page(ada)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert browser.post(address).status_code == 200
    assert status_of(ada) == Standing.UNSUBSCRIBED


def test_who_was_deleted_can_still_leave(browser, site):
    ada = cast.subscriber()
    address = leave_page(ada)
    ada.delete()
    assert browser.post(address, ONE_CLICK, FORM).status_code == 200
    assert site.get(address).one("h1") == "You are not on the list"


@pytest.mark.parametrize("status", [Standing.BOUNCED, Standing.COMPLAINED])
def test_who_is_off_the_list_otherwise_is_told_so(browser, site, status):
    ada = cast.subscriber(status=status)
    assert site.get(leave_page(ada)).one("h1") == "You are not on the list"
    assert browser.post(leave_page(ada)).status_code == 200
    assert status_of(ada) == status


# Preferences


def test_topics_can_be_changed(browser, site):
    agents, models = cast.two_categories()
    for category in (agents, models):
        make_tool(f"of-{category.slug}", category=category)
    ada = cast.subscriber(topics=[agents])
    page = site.get(preferences_page(ada))
    checked = [box.get("value") for box in page.tree.cssselect("[name=topics][checked]")]
    assert checked == [str(agents.pk)]
    answer = browser.post(preferences_page(ada), f"topics={models.pk}&topics=x&topics=987654", FORM)
    assert answer.status_code == 200
    assert b"Saved" in answer.content
    assert list(ada.topics.all()) == [models]
    browser.post(preferences_page(ada), "x=", FORM)
    assert not ada.topics.exists()


def test_a_topic_whose_tools_are_gone_can_still_be_given_up(site):
    agents, _ = cast.two_categories()
    ada = cast.subscriber(topics=[agents])
    assert site.get(preferences_page(ada)).all("fieldset label") == ["Agents"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{}", "application/json", 415),
        ("topics=1", "text/plain", 415),
        ("--x", "multipart/form-data; boundary=x", 415),
        ("topics=" + "1" * 10_000, FORM, 413),
        ("topics=1", f"{FORM}; charset=utf-16", 400),
    ],
)
def test_what_is_no_choice_of_topics_changes_nothing(browser, body, kind, status):
    ada = cast.subscriber(topics=cast.two_categories())
    assert browser.post(preferences_page(ada), body, kind).status_code == status
    assert ada.topics.count() == 2


@pytest.mark.parametrize("status", Standing.values)
def test_the_page_says_how_somebody_stands(site, status):
    words = {
        "pending": "has not been confirmed",
        "active": "is on the list since",
        "unsubscribed": "is not on the list",
        "bounced": "mail to it came back",
        "complained": "reported as unwanted",
    }
    assert words[status] in site.get(preferences_page(cast.subscriber(status=status))).text


def test_what_is_stored_can_be_taken_along(client):
    ada = cast.subscriber(topics=[cast.two_categories()[0]])
    answer = client.get(preferences_page(ada, "data.json"))
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == 'attachment; filename="digest.json"'
    said = json.loads(answer.content)
    assert (said["email"], said["topics"]) == (ADA, ["agents"])
    assert client.post(preferences_page(ada, "data.json")).status_code == 405


def test_deleting_asks_first_and_then_deletes_everything(browser, site):
    ada = cast.subscriber()
    cast.delivery(ada)
    page = site.get(preferences_page(ada, "delete/"))
    assert "not even you can sign it up again" in page.text
    assert status_of(ada) == Standing.ACTIVE
    for _ in range(2):
        answer = browser.post(preferences_page(ada, "delete/"))
        assert answer.status_code == 200
        assert b"Everything is deleted" in answer.content
    assert not Subscriber.objects.exists()
    assert Suppression.objects.get().reason == "deleted"
    for tail in ("", "data.json", "delete/"):
        assert site.get(preferences_page(ada, tail), status=410).one("h1") == (
            "Nothing is stored here any more"
        )
    assert site.get(confirm_page(ada), status=410)


# All of them

PAGES = [
    (Purpose.CONFIRM, ""),
    (Purpose.LEAVE, ""),
    (Purpose.PREFERENCES, ""),
    (Purpose.PREFERENCES, "data.json"),
    (Purpose.PREFERENCES, "delete/"),
]


@pytest.mark.parametrize(("purpose", "tail"), PAGES)
def test_nobody_keeps_lists_or_passes_on_a_personal_page(client, purpose, tail):
    ada = cast.subscriber()
    for address, method in (
        (page_of(purpose, ada, tail), client.get),
        (page_of(purpose, ada, tail), client.put),
        (f"/digest/{purpose.value}/wrong/{tail}", client.get),
    ):
        answer = method(address)
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert not answer.cookies


@pytest.mark.parametrize(("purpose", "tail"), PAGES)
def test_methods_that_mean_nothing_are_405(client, purpose, tail):
    address = page_of(purpose, cast.subscriber(), tail)
    before = everything()
    for method in ("put", "patch", "delete", "options", "trace"):
        answer = client.generic(method.upper(), address)
        assert answer.status_code == 405
        assert answer["Allow"].startswith("GET, HEAD")
    assert client.head(address).status_code == 200
    assert everything() == before


#: What a mail program, a scanner or somebody curious makes of a token.
TAMPERED = {
    "longer": lambda good, *_: good + "x",
    "ended with a dot": lambda good, *_: good + ".",
    "cut off": lambda good, *_: good[:-1],
    "cut in two": lambda good, *_: good[: len(good) // 2],
    "without its signature": lambda good, *_: good.split(".")[0],
    "in other case": lambda good, *_: good.swapcase(),
    "somebody else’s number": lambda good, ada, bob, *_: good.replace(str(ada.pk), str(bob.pk), 1),
    "one purpose’s": lambda good, ada, bob, one, other: token_for(one, ada.pk),
    "another purpose’s": lambda good, ada, bob, one, other: token_for(other, ada.pk),
}
GARBAGE = [
    "x", "1", "1.", ".", "..", "0", "-1", "9" * 5000, "%00", "1%00.x", "%F0%9F%98%80.x", "%FF%FE",
    "<script>", "..%2F..", "None.x",
]  # fmt: skip


@pytest.mark.parametrize("tried", [*TAMPERED, *GARBAGE])
@pytest.mark.parametrize(("purpose", "tail"), PAGES)
def test_a_token_that_is_not_the_one_is_a_designed_404(site, browser, purpose, tail, tried):
    ada, bob = cast.subscriber(), cast.subscriber("bob@example.org")
    others = [other for other in Purpose if other != purpose]
    tamper = TAMPERED.get(tried)
    token = tamper(token_for(purpose, ada.pk), ada, bob, *others) if tamper else tried
    before = everything()
    address = f"/digest/{purpose.value}/{token}/{tail}"
    page = site.get(address, status=404)
    assert page.one("h1") in ("This link is not complete", "Nothing at this address")
    if tail != "data.json":
        assert browser.post(address, ONE_CLICK, FORM).status_code == 404
    assert everything() == before
    assert not mail.outbox


def open_everything(client, message):
    """Open every link of a mail, and every link to the digest on the pages behind them."""
    opened, to_open = set(), cast.links(message)
    while to_open:
        address = to_open.pop()
        if address in opened:
            continue
        opened.add(address)
        assert client.head(address).status_code == 200, address
        answer = client.get(address)
        assert answer.status_code == 200, address
        if address.startswith("/digest/") and not answer.get("Content-Disposition"):
            found = re.findall(rb'href="(/digest/[^"#?]*)"', answer.content)
            to_open += [path.decode() for path in found]
    return opened


def test_a_scanner_that_opens_every_link_of_a_confirm_mail_changes_nothing(client):
    ask(ADA, [], "/", None)
    answer_sign_ups()
    [message] = mail.outbox
    before = everything()
    opened = open_everything(client, message)
    for kind in ("confirm", "leave", "preferences", "delete", "data.json"):
        assert any(kind in address for address in opened)
    assert everything() == before
    assert Subscriber.objects.get().status == Standing.PENDING


def test_a_scanner_that_opens_every_link_of_an_edition_changes_nothing(client):
    compare(alpha(), beta())
    now = timezone.now()
    content = Content.since(now - timedelta(days=7), now, set()).to_json()
    draft = cast.edition("2026-W48", "draft", content=content)
    made = render(draft)
    facts = {"html": made.html, "text": made.text, "digest": "0" * 64}
    Edition.objects.filter(pk=draft.pk).update(status="approved", **facts)
    Edition.objects.filter(pk=draft.pk).update(status="sending", started_at=now)
    ada = cast.subscriber()
    cast.delivery(ada, draft)
    draft.refresh_from_db()
    before = everything()
    opened = open_everything(client, Letter.of(draft, []).email_for(ADA, ada.pk))
    for kind in ("leave", "preferences", "delete", "2026-w48", "/tools/alpha/"):
        assert any(kind in address for address in opened)
    assert everything() == before


def test_from_the_form_to_the_list_and_off_it_again(browser):
    cast.sign_up(browser)
    answer_sign_ups()
    [message] = mail.outbox
    address = next(link for link in cast.links(message) if "/confirm/" in link)
    assert browser.post(address).status_code == 200
    ada = Subscriber.objects.wanting().get()
    assert ada.consented_at - timezone.now() < timedelta(minutes=1)
    assert browser.post(leave_page(ada), ONE_CLICK, FORM).status_code == 200
    assert not Subscriber.objects.wanting().exists()
