import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests import cast
from tests.browser.test_accessibility import RULES, sideways

FOUR = "/compare/claude-4-sonnet-vs-openai-o3-pro-api-vs-smolvlm2-vs-smolvlm2-turbo/"
PICKER = "/compare/?tool=smolvlm&tool=Claude+4+Sonnet&tool=claude-4-sonnet"


@pytest.mark.parametrize("address", [FOUR, f"{FOUR}?rows=different", PICKER])
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_scrolls_sideways_and_axe_finds_nothing(reader, demo, address, width):
    page = reader.open(address, width=width)
    assert sideways(page) == 0
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=RULES).response["violations"]
        assert not found, (scheme, [(rule["id"], rule["nodes"][0]["html"]) for rule in found])
    assert not reader.complaints


@pytest.mark.parametrize("name", ["W" * 200, "شحن أو تخطي " * 12, "👩‍🚀" * 60])
def test_the_longest_names_are_held_in_their_columns(reader, transactional_db, name):
    for slug in ("one", "two", "three"):
        tool = cast.make_tool(slug, name=name, tagline="x" * 200)
        cast.review(tool, "ship skip ship skip", (100, 0, None, 50))
        cast.add_plan(tool, "z" * 100, "usage", "0.000001", unit="u" * 60)
    cast.alpha()
    for address in ("/compare/one-vs-three-vs-two/", "/compare/alpha-vs-one-vs-three-vs-two/"):
        for width in (320, 1280):
            assert sideways(reader.open(address, width=width)) == 0, (address, width)


def place(locator):
    return locator.evaluate(
        "element => { const {left, top} = element.getBoundingClientRect(); return {left, top} }"
    )


def scroll(box, left=0, top=0):
    box.evaluate("(box, [left, top]) => box.scrollTo(left, top)", [left, top])
    return box.evaluate("box => ({left: box.scrollLeft, top: box.scrollTop})")


def test_heads_and_labels_of_the_table_stay_in_sight_while_its_box_scrolls(reader, demo):
    page = reader.open(FOUR, width=320, height=640)
    box = page.locator(".decision-box")
    label, head = box.locator("tbody th").first, box.locator("thead th").first
    before = place(label)["left"], place(head)["top"]
    moved = scroll(box, 200, 150)
    assert (moved["left"], moved["top"]) == (200, 150)
    assert abs(place(label)["left"] - before[0]) < 1
    assert abs(place(head)["top"] - before[1]) < 1
    assert sideways(page) == 0


def test_personas_and_tools_of_the_scorecard_stay_in_sight_while_its_box_scrolls(reader, demo):
    page = reader.open(FOUR, width=320, height=640)
    box = page.locator(".scorecard-box")
    persona, head = box.locator("h3").first, box.locator(".argument-head").first
    at = place(box)["top"]
    left = place(persona)["left"]
    moved = scroll(box, 300, 250)
    assert (moved["left"], moved["top"]) == (300, 250)
    assert abs(place(persona)["left"] - left) < 1
    assert 0 <= place(persona)["top"] - at < 44
    assert 0 <= place(head)["top"] - at <= 46


def test_on_a_wide_screen_the_scorecard_needs_no_box_and_the_bar_is_its_head(reader, demo):
    page = reader.open(FOUR)
    page.locator("#founder").scroll_into_view_if_needed()
    box = page.locator(".scorecard-box")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    names = [place(name)["left"] for name in page.locator(".versus-bar-side").all()]
    arguments = [place(found)["left"] for found in page.locator(".argument").all()[-4:]]
    assert all(abs(a - b) < 1 for a, b in zip(names, arguments, strict=True))


@pytest.mark.parametrize("width", [320, 1280])
def test_the_bar_keeps_every_name_and_stamp_in_sight(reader, demo, width):
    page = reader.open(FOUR, width=width)
    page.locator("#related").scroll_into_view_if_needed()
    page.locator("#scorecard").evaluate("heading => heading.scrollIntoView()")
    bar = page.locator(".versus-bar").bounding_box()
    assert 0 <= bar["y"] <= 1
    assert bar["height"] < 110
    assert page.locator(".versus-bar .verdict-stamp:visible").count() == 4
    for part in page.locator(".versus-bar-name, .versus-bar .verdict-stamp").all():
        box = part.bounding_box()
        assert bar["x"] <= box["x"]
        assert box["x"] + box["width"] <= bar["x"] + bar["width"] + 1


def test_the_keyboard_scrolls_the_table(reader, demo):
    page = reader.open(FOUR, width=320)
    box = page.locator(".decision-box")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)  # the browser scrolls after the key
    assert box.evaluate("element => element.scrollLeft") > 0


def test_tools_are_picked_removed_and_added_without_javascript(reader, demo):
    page = reader.open("/compare/", java_script_enabled=False, width=360)
    page.get_by_label("First tool").fill("Claude 4 Sonnet")
    page.get_by_label("Second tool").fill("smolvlm2-turbo")
    page.get_by_label("Third tool, or none").fill("o3 pro")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_label("Third tool, or none")).to_have_value("o3 pro")
    page.get_by_role("link", name="OpenAI o3-pro API").first.click()
    expect(page.locator("h1")).to_have_text(
        "Claude 4 Sonnet vs OpenAI o3-pro API vs SmolVLM2 Turbo"
    )
    page.get_by_role("link", name="Remove OpenAI o3-pro API").click()
    expect(page.locator("h1")).to_have_text("Claude 4 Sonnet vs SmolVLM2 Turbo")
    page.get_by_role("link", name="Add a tool").click()
    expect(page.get_by_label("First tool")).to_have_value("Claude 4 Sonnet")
    page.get_by_label("Third tool, or none").fill("smolvlm2")
    page.get_by_label("Third tool, or none").press("Enter")
    expect(page.locator("h1")).to_have_text("Claude 4 Sonnet vs SmolVLM2 vs SmolVLM2 Turbo")
    page.get_by_role("link", name="Differences only").click()
    expect(page.locator(".decision tbody tr:not(.decision-differs)")).to_have_count(0)
