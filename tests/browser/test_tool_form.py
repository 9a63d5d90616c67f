import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests import cast
from tests.browser.test_accessibility import sideways
from tools.models import Price
from tools.status import Status


@pytest.fixture
def cookies(client, live_server, transactional_db):
    """The cookie of somebody who is logged in."""
    client.force_login(User.objects.create_superuser("chief"))
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    return [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}]


def open_tool(reader, cookies, tool, **options):
    page = reader.open("/healthz", **options)
    page.context.add_cookies(cookies)
    page.goto(f"{reader.server.url}/admin/tools/tool/{tool.pk}/change/")
    return page


def draft(**facts):
    return cast.make_tool("draft", status=Status.DRAFT, **facts)


def test_an_argument_is_shown_as_readers_get_it_while_it_is_written(reader, cookies):
    page = open_tool(reader, cookies, draft())
    box = page.get_by_role("group", name="Preview: Argument").first
    expect(box).to_be_hidden()
    argument = page.locator("#id_reviews-builder-body")
    argument.press_sequentially("It **works** <img src=x onerror=alert(1)>")
    expect(box.locator("strong")).to_have_text("works")
    expect(box.locator("img")).to_have_count(0)
    argument.fill("")
    expect(box).to_be_hidden()
    assert not reader.complaints


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(reader, cookies):
    page = open_tool(reader, cookies, draft(description=""))
    waiting = []

    def hold(route):
        waiting.append(route) if "old" in route.request.post_data else route.continue_()

    page.route("**/admin/markdown/", hold)
    text = page.locator("#id_description")
    with page.expect_request("**/admin/markdown/"):
        text.fill("old")
    text.fill("new")
    shown = page.locator(".field-description .preview-text")
    expect(shown).to_have_text("new")
    waiting[0].fulfill(body="<p>old</p>")
    expect(shown).to_have_text("new")


def test_a_text_that_is_too_long_is_told_and_kept(reader, cookies):
    page = open_tool(reader, cookies, draft())
    page.locator("#id_description").fill("x" * 20_001)
    note = page.locator(".field-description .preview-note")
    expect(note).to_contain_text("20000 are the most that fit")


def test_without_javascript_the_tool_is_saved_and_there_is_no_preview(reader, cookies):
    tool = draft()
    page = open_tool(reader, cookies, tool, java_script_enabled=False)
    assert not page.locator(".preview").count()
    column = page.get_by_role("group", name="Founder")
    column.get_by_label("Ship").check()
    column.get_by_label("Argument").fill("Somebody pays.")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/tools/tool/")
    assert tool.reviews.get().body == "Somebody pays."


def test_enter_in_a_field_saves_and_dates_no_price(reader, cookies):
    tool = draft()
    cast.add_plan(tool, "Pro", "subscription", "20")
    price = Price.objects.get()
    page = open_tool(reader, cookies, tool)
    page.locator("#id_tagline").fill("A new line")
    page.locator("#id_tagline").press("Enter")
    page.wait_for_url("**/admin/tools/tool/")
    tool.refresh_from_db()
    assert tool.tagline == "A new line"
    assert Price.objects.get().checked_on == price.checked_on


@pytest.mark.parametrize("width", [360, 900, 1280])
def test_long_names_stay_within_the_page(reader, cookies, width):
    tool = draft(name="Unbreakable" * 18, tagline="w" * 200)
    cast.add_plan(tool, "P" * 100, "subscription", "1234567.891")
    page = open_tool(reader, cookies, tool, width=width)
    assert sideways(page) == 0
    columns = {box["x"] for box in map(_box, page.locator(".persona").all())}
    assert len(columns) == {360: 1, 900: 2, 1280: 4}[width]
    assert not reader.complaints


def _box(locator):
    return locator.bounding_box()
