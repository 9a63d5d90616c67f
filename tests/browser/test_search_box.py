import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import RULES, Axe, sideways


@pytest.fixture
def page(reader, demo):
    page = reader.open("/")
    yield page
    assert not reader.complaints


def box(page):
    return page.get_by_role("combobox")


def suggest(page, text):
    box(page).press_sequentially(text)
    expect(page.get_by_role("option").first).to_be_visible()


def active(page):
    key = box(page).get_attribute("aria-activedescendant")
    return page.locator(f"#{key} bdi").inner_text() if key else None


def test_the_keyboard_walks_through_the_suggestions_and_back_to_the_box(page):
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    suggest(page, "claude")
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    expect(page.locator("form[role=search] [role=status]")).to_have_text("6 suggestions")
    names = page.locator("[role=option] bdi").all_inner_texts()
    assert active(page) is None
    for name in [*names, None, names[0]]:
        page.keyboard.press("ArrowDown")
        assert active(page) == name
    for name in (None, names[-1]):
        page.keyboard.press("ArrowUp")
        assert active(page) == name
    expect(page.locator("[aria-selected=true]")).to_have_count(1)
    assert box(page).input_value() == "claude"
    expect(box(page)).to_be_focused()


def test_home_and_end_go_back_into_the_text(page):
    suggest(page, "claude")
    for key, place in (("Home", 0), ("End", 6)):
        page.keyboard.press("ArrowDown")
        page.keyboard.press(key)
        assert active(page) is None
        assert box(page).evaluate("box => box.selectionStart") == place


def test_enter_opens_what_is_chosen(page):
    suggest(page, "claude 4 so")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tools/claude-4-sonnet/")


def test_enter_without_a_choice_searches_for_what_was_typed(page):
    suggest(page, "claude")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=claude")


def test_escape_closes_the_list_first_and_keeps_the_text(page):
    suggest(page, "claude")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    assert box(page).input_value() == "claude"
    assert active(page) is None
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("listbox")).to_be_visible()


def test_a_click_opens_what_it_hits_and_leaving_closes_the_list(page):
    suggest(page, "smol")
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_be_hidden()
    box(page).fill("")
    suggest(page, "smol")
    page.get_by_role("option", name="SmolVLM2 Turbo Ship", exact=True).click()
    page.wait_for_url("**/tools/smolvlm2-turbo/")


def test_an_answer_that_comes_late_is_ignored(page):
    waiting = []

    def hold(route):
        waiting.append(route) if "q=claude" in route.request.url else route.continue_()

    page.route("**/search/suggest/*", hold)
    box(page).fill("claude")
    page.wait_for_timeout(400)
    box(page).fill("")
    suggest(page, "smol")
    assert len(waiting) == 1
    waiting[0].continue_()
    page.wait_for_timeout(300)
    assert page.locator("[role=option] bdi").first.inner_text() == "SmolVLM2"


def test_when_suggestions_fail_the_form_still_searches(reader, demo):
    page = reader.open("/")
    page.route("**/search/suggest/*", lambda route: route.fulfill(status=503))
    box(page).fill("smol")
    page.wait_for_timeout(400)
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=smol")


def test_without_javascript_the_box_is_a_form(reader, demo):
    page = reader.open("/tools/", java_script_enabled=False)
    page.get_by_role("searchbox", name="Search").fill("claud sonet")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="Claude 4 Sonnet")).to_be_visible()
    page.get_by_role("searchbox").fill("smolvlm2 vs claude sonnet")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Claude 4 Sonnet vs SmolVLM2")


def test_a_phone_has_a_link_to_the_search_instead_of_the_small_box(reader, demo):
    page = reader.open("/tools/", width=320)
    expect(page.locator("#masthead-search")).to_be_hidden()
    page.get_by_role("link", name="Search").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Search")


@pytest.mark.parametrize(
    "address",
    ["/search/", "/search/?q=smol", "/search/?q=hugging", "/search/?q=claude+vs+smol",
     "/search/?q=qqqzzz"],
)  # fmt: skip
def test_axe_finds_nothing_on_the_results(reader, demo, address):
    page = reader.open(address)
    check(page)
    assert not reader.complaints


def test_axe_finds_nothing_on_open_suggestions(page):
    suggest(page, "claude")
    page.keyboard.press("ArrowDown")
    check(page)


def check(page):
    for width in (320, 1280):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=RULES).response["violations"]
            assert not found, (width, scheme, [(rule["id"], rule["nodes"]) for rule in found])
            assert sideways(page) == 0
