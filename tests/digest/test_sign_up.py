"""The address that the sign-up form is sent to."""

import json
import re
from datetime import timedelta

import lxml.html
import pytest
from django.core import mail
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comparisons.digest import forms, limits
from comparisons.digest.consent import answer_sign_ups
from comparisons.digest.models import SignUp, Standing, Subscriber
from tests.cast import make_tool
from tests.digest import cast
from tests.digest.cast import ADA, FORM, HERE, JSON, sign_up, stamp

pytestmark = pytest.mark.django_db

ADDRESS = "/digest/sign-up/"


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True)


def parsed(answer):
    return lxml.html.fromstring(answer.content.decode())


def field(answer, name):
    return [element.get("value") for element in parsed(answer).cssselect(f"[name={name}]")]


def jobs():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE 'digest.%'")
        return cursor.fetchone()[0]


def test_a_sign_up_is_written_down_and_a_worker_asked(browser):
    answer = sign_up(browser, " Ada@Example.ORG ", topics=[3, 4], source="/tools/")
    assert (answer.status_code, answer["Location"]) == (303, "/digest/asked/")
    assert "no-store" in answer["Cache-Control"]
    row = SignUp.objects.get()
    assert (row.email, row.topics, row.source) == (ADA, [3, 4], "/tools/")
    assert len(row.client) == 16
    assert jobs() == 1
    assert not answer.cookies
    assert not mail.outbox
    assert not Subscriber.objects.exists()


def test_a_script_is_told_what_happens_next(browser):
    answer = sign_up(browser, headers=HERE | JSON)
    assert answer.status_code == 200
    assert "mailbox" in answer.json()["message"]
    assert SignUp.objects.exists()


def test_a_double_click_is_answered_twice_and_asks_for_one_worker(browser):
    assert [sign_up(browser).status_code for _ in range(2)] == [303, 303]
    assert jobs() == 1


@override_settings(DIGEST_IS_SENT=False)
def test_sign_ups_are_taken_although_nothing_is_sent_anywhere(browser):
    assert sign_up(browser).status_code == 303


# The same for everybody


def test_the_answer_and_the_work_are_the_same_whoever_it_is(browser):
    cast.subscriber("active@example.org")
    for status in Standing.values:
        cast.subscriber(f"{status}@example.com", status=status)
    cast.suppress("suppressed@example.org")
    addresses = ["new@example.org", "active@example.org", "suppressed@example.org"]
    addresses += [f"{status}@example.com" for status in Standing.values]
    seen = set()
    sign_up(browser, "first@example.org")  # makes the key of the day and the job
    for number, address in enumerate(addresses):
        for headers in (HERE, HERE | JSON):
            with CaptureQueriesContext(connection) as queries:
                answer = sign_up(browser, address, headers=headers, ip=f"198.51.100.{number}")
            work = [re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries]
            assert sum("digest_signup" in sql and "INSERT" in sql for sql in work) == 1
            told = [answer[name] for name in ("Location", "Content-Length") if name in answer]
            seen.add((answer.status_code, answer.content, *told, *work))
    assert len(seen) == 2  # one for readers and one for scripts


def test_the_page_that_says_what_is_next_is_the_same_for_everybody(site):
    page = site.get("/digest/asked/")
    assert page.one("h1") == "Look into your mailbox"
    assert page.tree.cssselect("meta[name=robots]")[0].get("content") == "noindex, nofollow"
    assert not page.answer.cookies


# Without JavaScript: once more


def test_a_form_without_a_stamp_comes_back_filled_in_with_one(browser):
    topic, other = cast.two_categories()
    for category in (topic, other):
        make_tool(f"of-{category.slug}", category=category)
    referer = {"Referer": "http://testserver/compare/a-vs-b/?utm=x"}
    first = sign_up(browser, token="", topics=[topic.pk], headers=HERE | referer)
    assert first.status_code == 200
    assert not SignUp.objects.exists()
    assert parsed(first).cssselect("h1")[0].text_content() == "Press once more"
    assert field(first, "email") == [ADA]
    assert [box.get("value") for box in parsed(first).cssselect("[name=topics][checked]")] == [
        str(topic.pk)
    ]
    assert field(first, "source") == ["/compare/a-vs-b/"]
    [token] = field(first, "token")
    # The same press comes too soon, and keeps its stamp, so that it ripens.
    soon = sign_up(browser, token=token)
    assert soon.status_code == 422
    assert field(soon, "token") == [token]
    assert not SignUp.objects.exists()
    answer = sign_up(browser, token=stamp(3), source="/compare/a-vs-b/")
    assert answer.status_code == 303
    assert SignUp.objects.get().source == "/compare/a-vs-b/"


DAY = forms.MOST_AGE.total_seconds()


@pytest.mark.parametrize(
    ("age", "taken"),
    [(-100, False), (0, False), (1, False), (3, True), (DAY - 60, True), (DAY + 60, False)],
)
def test_a_stamp_is_good_from_two_seconds_to_a_day(browser, age, taken):
    assert (sign_up(browser, token=stamp(age)).status_code == 303) == taken
    assert SignUp.objects.exists() == taken


@pytest.mark.parametrize(
    "token",
    ["x", "1", "." * 50, "9" * 5000, "1.2.3", "\x00", "ü", "1764072000." + "A" * 43],
)
def test_a_stamp_that_is_not_ours_is_none(browser, token):
    answer = sign_up(browser, token=token)
    assert answer.status_code == 200
    assert field(answer, "token") != [token]
    assert not SignUp.objects.exists()


def test_a_script_is_told_to_get_a_new_stamp(browser):
    answer = sign_up(browser, token="", headers=HERE | JSON)
    assert answer.status_code == 422
    assert answer.json()["again"] is True


def test_a_stamp_is_given_to_nobody_in_particular_and_not_kept(client):
    answer = client.get("/digest/token/")
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies
    assert forms.age_of(answer.json()["token"]) == forms.Age.YOUNG
    assert client.post("/digest/token/").status_code == 405


# The trap


@pytest.mark.parametrize("headers", [HERE, HERE | JSON])
def test_a_program_that_fills_every_field_gets_the_very_same_answer_and_stores_nothing(
    browser, headers
):
    honest = sign_up(browser, headers=headers)
    trapped = sign_up(browser, headers=headers, message="Buy things", email="not even one")
    assert SignUp.objects.count() == 1
    assert (trapped.status_code, trapped.content) == (honest.status_code, honest.content)
    assert trapped.headers.get("Location") == honest.headers.get("Location")


def test_nobody_sees_or_reaches_the_trap(site):
    page = site.get("/")
    [trap] = page.tree.cssselect("[name=message]")
    assert trap.get("tabindex") == "-1"
    assert trap.get("autocomplete") == "off"
    assert "sign-up-trap" in trap.getparent().get("class")


# Limits


def test_a_client_has_so_many_an_hour_and_is_told_when_there_are_more(browser):
    for number in range(limits.PER_CLIENT):
        assert sign_up(browser, f"a{number}@example.org").status_code == 303
    refused = sign_up(browser)
    assert refused.status_code == 429
    assert 3500 < int(refused["Retry-After"]) <= 3600
    assert "Try again in 60 minutes" in parsed(refused).text_content()
    told = sign_up(browser, headers=HERE | JSON)
    assert told.status_code == 429
    assert "try again in 60 minutes" in told.json()["error"]
    assert SignUp.objects.count() == limits.PER_CLIENT
    assert sign_up(browser, ip="192.0.2.2").status_code == 303
    SignUp.objects.update(asked_at=timezone.now() - limits.WINDOW)
    assert sign_up(browser).status_code == 303


def test_all_together_have_so_many_an_hour(browser, monkeypatch):
    monkeypatch.setattr(limits, "OVERALL", 3)
    for number in range(3):
        assert sign_up(browser, ip=f"192.0.2.{number}").status_code == 303
    SignUp.objects.filter(pk=SignUp.objects.first().pk).update(
        asked_at=timezone.now() - timedelta(minutes=59, seconds=30)
    )
    refused = sign_up(browser, ip="192.0.2.9")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) <= 30
    assert "Try again in a minute" in parsed(refused).text_content()


@pytest.mark.parametrize("email", ["new@example.org", ADA, "suppressed@example.org"])
def test_the_limit_does_not_depend_on_the_address(browser, monkeypatch, email):
    monkeypatch.setattr(limits, "PER_CLIENT", 1)
    cast.subscriber()
    cast.suppress("suppressed@example.org")
    sign_up(browser, "somebody@example.org")
    assert sign_up(browser, email).status_code == 429


def test_what_was_answered_still_counts(browser):
    for _ in range(limits.PER_CLIENT):
        sign_up(browser)
    answer_sign_ups()
    assert sign_up(browser).status_code == 429


def test_clients_of_whom_nobody_knows_the_address_are_not_taken_for_one(browser):
    for _ in range(limits.PER_CLIENT + 1):
        assert sign_up(browser, ip="").status_code == 303


# From elsewhere


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
    ],
)
def test_a_form_on_another_site_cannot_sign_anybody_up(browser, headers):
    answer = sign_up(browser, headers=headers)
    assert answer.status_code == 403
    assert not SignUp.objects.exists()


@pytest.mark.parametrize("headers", [HERE, {"Origin": "http://testserver"}])
def test_a_form_on_this_site_can(browser, headers):
    assert sign_up(browser, headers=headers).status_code == 303


def test_looking_at_the_address_leads_to_the_form(browser):
    for ask in (browser.get, browser.head):
        answer = ask(ADDRESS)
        assert (answer.status_code, answer["Location"]) == (302, "/digest/")
    assert browser.put(ADDRESS, "email=x", FORM, headers=HERE).status_code == 405
    assert browser.delete(ADDRESS, headers=HERE).status_code == 405


# What is no sign-up

WRONG = [
    "", " ", "ada", "@", "ada@", "@example.org", "ada@@example.org", "ada@one@example.org",
    "ada lovelace@example.org", "ada@exam ple.org", "ada@example.org\nBcc: all@example.org",
    "ada@example.org\r\n", "\x00ada@example.org", "ada@example.org\x00", "ädä@example.org",
    "ada@nowhere", "ada@localhost", "ada@127.0.0.1", "ada@[127.0.0.1]", "a" * 300 + "@example.org",
    "ada@" + "e" * 300 + ".org", "<ada@example.org>", "Ada <ada@example.org>", "🙂@example.org",
    "ada@example.org,bob@example.org", "ada@example.org;", "ada@example.org\u2028",
    '"a b"@example.org', "<script>alert(1)</script>@example.org", "ada@-example.org",
    "ada.@example.org", "a..b@example.org", "\u202eada@example.org", "a" * 65 + "@example.org",
]  # fmt: skip


@pytest.mark.parametrize("email", WRONG)
def test_a_wrong_address_comes_back_with_what_is_wrong_beside_it(browser, email):
    answer = sign_up(browser, email, source="/tools/")
    if email.strip() == ADA:  # what browsers send of a line that was pasted
        assert answer.status_code == 303
        return
    assert answer.status_code == 422
    page = parsed(answer)
    [box] = page.cssselect("input[name=email]")
    assert box.get("aria-invalid") == "true"
    said = page.get_element_by_id(box.get("aria-describedby")).text_content()
    assert said.endswith(".")
    assert len(said) < 250
    assert page.cssselect("[name=source]")[0].get("value") == "/tools/"
    assert "<script>alert" not in answer.content.decode()
    told = sign_up(browser, email, headers=HERE | JSON)
    assert (told.status_code, told.json()) == (422, {"error": said, "again": False})
    assert not SignUp.objects.exists()


def test_as_much_before_the_at_sign_as_every_server_takes_is_fine(browser):
    assert sign_up(browser, "a" * 64 + "@example.org").status_code == 303


def test_what_was_typed_stands_in_the_form_again(browser):
    assert field(sign_up(browser, "ada@@example.org"), "email") == ["ada@@example.org"]


def test_a_domain_in_another_alphabet_is_taken_as_servers_know_it(browser):
    sign_up(browser, "ada@bücher.org")
    assert SignUp.objects.get().email == "ada@xn--bcher-kva.org"


@pytest.mark.parametrize(
    "topics", [["x"], ["-1"], ["99999999999999999999999"], ["1.5"], ["\x00"], ["٣"], ["'"], [""]]
)
def test_topics_that_are_no_keys_are_ignored(browser, topics):
    assert sign_up(browser, topics=[*topics, "7"]).status_code == 303
    assert SignUp.objects.get().topics == [7]


def test_no_more_topics_are_read_than_anybody_has(browser):
    assert sign_up(browser, topics=list(range(400))).status_code == 303
    assert len(SignUp.objects.get().topics) == forms.MOST_TOPICS


@pytest.mark.parametrize(
    "source", ["https://elsewhere.example/", "", "/" + "x" * 300, "/a b", "/\n", "/ü", "\x00"]
)
def test_a_page_that_is_none_of_ours_is_not_written_down(browser, source):
    assert sign_up(browser, source=source).status_code == 303
    assert SignUp.objects.get().source == ""


@pytest.mark.parametrize("referer", ["", "nonsense", "http://[", "http://testserver/" + "x" * 999])
def test_a_page_before_that_nobody_can_read_is_none(browser, referer):
    assert sign_up(browser, headers=HERE | {"Referer": referer}).status_code == 303
    assert SignUp.objects.get().source == ""


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps({"email": ADA})),
        ("text/plain", f"email={ADA}"),
        ("multipart/form-data; boundary=x", "--x"),
        ("", f"email={ADA}"),
    ],
)
def test_another_kind_of_body_is_refused(browser, kind, body):
    answer = browser.post(ADDRESS, body, kind, headers=HERE)
    assert answer.status_code == 415
    assert b"sent as a form" in answer.content


@pytest.mark.parametrize("size", [10_000, 2_000_000])
def test_a_body_that_is_too_large_is_refused(browser, size):
    assert sign_up(browser, filling="x" * size).status_code == 413
    assert not SignUp.objects.exists()


def test_a_body_in_another_alphabet_is_refused(browser):
    answer = browser.post(ADDRESS, f"email={ADA}", f"{FORM}; charset=utf-16", headers=HERE)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body", ["email=%ff%fe", "%00=%00", "email=" + "%F0%9F" * 9, "&&&&=", "x=1&" * 1500]
)
def test_a_body_that_is_garbage_is_no_sign_up(browser, body):
    answer = browser.post(ADDRESS, body, FORM, headers=HERE)
    assert answer.status_code in (400, 422)
    assert not SignUp.objects.exists()
