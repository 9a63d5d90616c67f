import pytest
from playwright.sync_api import expect


def drawer_names(page):
    return page.locator("#saved li bdi").all_inner_texts()


def test_a_tool_is_saved_found_in_the_drawer_and_on_the_page_and_removed(reader, demo):
    page = reader.open("/compare/claude-4-sonnet-vs-smolvlm2-turbo/")
    page.get_by_role("button", name="Save SmolVLM2 Turbo").click()
    expect(page.get_by_role("button", name="Saved SmolVLM2 Turbo")).to_be_visible()
    expect(page.locator("[data-saved-count]")).to_have_text("1")

    page.get_by_role("link", name="Saved 1").click()
    expect(page.get_by_role("dialog", name="Saved tools")).to_be_visible()
    assert drawer_names(page) == ["SmolVLM2 Turbo"]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    page = reader.visit(page, "/bookmarks/")
    expect(page.locator(".tool-card-name")).to_have_text("SmolVLM2 Turbo")
    page.get_by_role("button", name="Saved SmolVLM2 Turbo").click()
    page.reload()
    expect(page.get_by_role("heading", name="Nothing saved yet")).to_be_visible()
    assert not reader.complaints


def test_a_saved_tool_that_is_gone_is_named_and_can_be_taken_off(reader, demo):
    page = reader.open("/bookmarks/")
    kept = '[{"slug": "smolvlm2", "name": "SmolVLM2"}, {"slug": "gone", "name": "Gone AI"}]'
    page.evaluate("kept => localStorage.setItem('saved-tools', kept)", kept)
    page.reload()
    expect(page.get_by_role("heading", name="No longer published")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Remove Gone AI").click()
    expect(page.get_by_role("heading", name="No longer published")).to_be_hidden()
    expect(page.locator(".tool-card")).to_have_count(1)


def test_hundreds_of_saved_tools_are_all_asked_for(reader, demo):
    page = reader.open("/bookmarks/")
    page.evaluate(
        """() => localStorage.setItem("saved-tools", JSON.stringify([
            ...Array.from({length: 300}, (_, n) => ({slug: `${"x".repeat(60)}-${n}`, name: "X"})),
            {slug: "smolvlm2", name: "SmolVLM2"}]))"""
    )
    page.reload()
    expect(page.locator(".tool-card-name")).to_have_text("SmolVLM2")
    assert not reader.complaints


def test_the_drawer_says_when_nothing_is_saved_yet(reader, demo):
    page = reader.open("/tools/")
    page.get_by_role("link", name="Saved").click()
    expect(page.get_by_text("Nothing saved yet.")).to_be_visible()


def test_it_can_be_removed_in_the_drawer(reader, demo):
    page = reader.open("/tools/smolvlm2/")
    page.get_by_role("button", name="Save SmolVLM2").first.click()
    page.get_by_role("link", name="Saved 1").click()
    page.get_by_role("button", name="Remove SmolVLM2").click()
    expect(page.get_by_text("Nothing saved yet.")).to_be_visible()


def test_every_card_of_every_list_can_be_saved(reader, demo):
    page = reader.open("/tools/")
    expect(page.locator(".tool-card .save:visible")).to_have_count(8)


def test_another_tab_learns_of_it(reader, demo):
    first = reader.open("/tools/smolvlm2/")
    second = reader.visit(first.context.new_page(), "/tools/")
    first.get_by_role("button", name="Save SmolVLM2").first.click()
    expect(second.locator("[data-saved-count]")).to_have_text("1")


@pytest.mark.parametrize(
    "kept", ["nonsense", '{"a": 1}', '[null, 3, {"slug": 4}]', '[{"slug": "gone", "name": "Gone"}]']
)
def test_whatever_the_storage_holds_the_page_stands(reader, demo, kept):
    page = reader.open("/bookmarks/")
    page.evaluate("kept => localStorage.setItem('saved-tools', kept)", kept)
    page.reload()
    page.wait_for_load_state("networkidle")
    assert not reader.complaints
    assert page.locator(".tool-card").count() == 0


def test_without_javascript_the_page_explains_itself_and_no_button_is_dead(reader, demo):
    page = reader.open("/bookmarks/", java_script_enabled=False)
    expect(page.get_by_role("heading", name="Saving needs JavaScript")).to_be_visible()
    page = reader.open("/tools/", java_script_enabled=False)
    expect(page.locator(".save:visible")).to_have_count(0)


def test_a_failure_to_load_the_cards_says_so_and_loses_nothing(reader, demo):
    page = reader.open("/bookmarks/")
    page.evaluate(
        'localStorage.setItem(\'saved-tools\', \'[{"slug": "smolvlm2", "name": "SmolVLM2"}]\')'
    )
    page.route("**/bookmarks/cards/*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("could not be loaded")).to_be_visible()
    assert "smolvlm2" in page.evaluate("localStorage.getItem('saved-tools')")
