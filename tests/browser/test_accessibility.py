import pytest
from axe_playwright_python.sync_playwright import Axe

from tests import cast

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
}
PAGES = [
    "/",
    "/compare/claude-4-sonnet-vs-smolvlm2-turbo/",
    "/compare/smolvlm2-vs-openai-o3-pro-api/",
    "/tools/claude-4-sonnet/",
    "/tools/",
    "/bookmarks/",
    "/methodology/",
    "/corrections/",
    "/privacy/",
    "/digest/",
    "/digest/asked/",
]


@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_nothing_at_three_widths_in_light_and_dark(reader, demo, address):
    page = reader.open(address)
    for width in (320, 768, 1280):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=RULES).response["violations"]
            assert not found, (
                width,
                scheme,
                [(rule["id"], rule["nodes"][0]["html"]) for rule in found],
            )
    assert not reader.complaints


def sideways(page):
    """How many pixels the page can be scrolled sideways."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


@pytest.mark.parametrize("address", PAGES)
def test_nothing_scrolls_sideways_on_the_narrowest_phone(reader, demo, address):
    assert sideways(reader.open(address, width=320)) == 0


@pytest.mark.parametrize("name", ["W" * 200, "شحن أو تخطي " * 12, "👩‍🚀" * 60])
def test_the_longest_names_and_words_are_held(reader, transactional_db, name):
    tool = cast.make_tool("odd", name=name, tagline="x" * 200, description="y" * 10_000)
    cast.review(tool, "ship skip ship skip", (100, 0, None, 50))
    cast.add_plan(tool, "z" * 100, "usage", "0.000001", unit="u" * 60)
    cast.compare(tool, cast.alpha())
    for address in ("/compare/odd-vs-alpha/", "/tools/odd/", "/tools/", "/", "/compare/"):
        for width in (320, 1280):
            assert sideways(reader.open(address, width=width)) == 0, (address, width)


def test_the_keyboard_reaches_the_content_past_the_head(reader, demo):
    page = reader.open("/tools/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "category"


def test_everything_can_be_read_without_javascript(reader, demo):
    address = "/compare/claude-4-sonnet-vs-smolvlm2-turbo/"
    with_script = reader.open(address)
    without = reader.open(address, java_script_enabled=False)
    with_script.evaluate("document.querySelectorAll('.save').forEach(button => button.remove())")
    # A script knows whether there is a vote to take back.
    without.evaluate(
        "document.querySelectorAll('[value=retract]').forEach(button => button.remove())"
    )
    texts = [page.locator("main").inner_text().split() for page in (with_script, without)]
    assert texts[0] == texts[1]
