"""Signing up for the digest, in place and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from comparisons.digest import forms
from comparisons.digest.models import SignUp, Standing, Subscriber
from tests.digest import cast

ADDRESS = "/tools/claude-4-sonnet/"


@pytest.fixture
def page(reader, demo):
    return reader.open(ADDRESS)


def box(page):
    return page.locator(".sign-up")


def test_a_reader_signs_up_without_leaving_the_page(reader, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    box(page).get_by_label("Your email address").fill("ada@example.org")
    box(page).get_by_role("button", name="Sign up").click()
    expect(box(page).get_by_role("status")).to_contain_text("Look into your mailbox")
    expect(box(page).get_by_label("Your email address")).to_have_value("")
    assert page.url.endswith(ADDRESS)
    row = SignUp.objects.get()
    assert (row.email, row.source) == ("ada@example.org", ADDRESS)
    assert sum("/digest/token/" in url for url in asked) == 1
    assert not page.context.cookies()
    assert not reader.complaints


def test_nothing_is_asked_for_until_somebody_turns_to_the_form(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.mouse.wheel(0, 5000)
    page.wait_for_timeout(300)
    assert not [url for url in asked if "/digest/" in url]


def test_who_presses_twice_signs_up_once(page):
    page.locator("#sign-up-email").fill("ada@example.org")
    page.locator("#sign-up-email").press("Enter")
    page.locator("#sign-up-email").press("Enter")
    expect(box(page).get_by_role("status")).to_contain_text("Look into your mailbox")
    assert SignUp.objects.count() == 1


def test_what_is_wrong_is_said_beside_the_field_and_can_be_mended(page):
    field, status = page.locator("#sign-up-email"), box(page).get_by_role("status")
    field.fill("ada@nowhere")
    field.press("Enter")
    expect(status).to_contain_text("This is not an email address that we can write to")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_value("ada@nowhere")
    field.fill("ada@example.org")
    field.press("Enter")
    expect(status).to_contain_text("Look into your mailbox")
    assert field.get_attribute("aria-invalid") is None
    assert SignUp.objects.count() == 1


def test_a_connection_that_is_lost_is_told_and_loses_nothing(page):
    page.route("**/digest/**", lambda route: route.abort())
    field = page.locator("#sign-up-email")
    field.fill("ada@example.org")
    field.press("Enter")
    expect(box(page).get_by_role("status")).to_contain_text("did not arrive")
    expect(field).to_have_value("ada@example.org")
    page.unroute("**/digest/**")
    field.press("Enter")
    expect(box(page).get_by_role("status")).to_contain_text("Look into your mailbox")


def test_nobody_meets_the_trap_with_eyes_keyboard_or_screen_reader(page):
    assert not page.locator("[name=message]").is_visible()
    assert "Leave this empty" not in box(page).aria_snapshot()


def test_without_javascript_the_form_asks_to_press_once_more(reader, demo):
    page = reader.open("/", java_script_enabled=False)
    box(page).get_by_label("Your email address").fill("ada@example.org")
    box(page).get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Press once more")
    expect(page.locator("main").get_by_label("Your email address")).to_have_value("ada@example.org")
    assert not SignUp.objects.exists()
    page.wait_for_timeout(forms.LEAST_AGE.total_seconds() * 1000)
    page.locator("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    assert page.url.endswith("/digest/asked/")
    assert SignUp.objects.get().source == "/"
    assert not page.context.cookies()


@pytest.mark.parametrize("script", [True, False])
def test_the_pages_behind_a_mail_work_with_and_without_javascript(reader, demo, script):
    ada = cast.subscriber(status=Standing.PENDING)
    page = reader.open(cast.confirm_page(ada), java_script_enabled=script)
    page.get_by_role("button", name="Yes, put me on the list").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are on the list")
    reader.visit(page, cast.leave_page(ada))
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not on the list")
    page.get_by_role("link", name="see and delete what we store").click()
    page.get_by_role("link", name="Delete everything").click()
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Everything is deleted")
    assert not Subscriber.objects.exists()
    assert not [text for text in reader.complaints if not re.search("410|404", text)]
