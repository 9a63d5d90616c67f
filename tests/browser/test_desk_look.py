"""The desk in a browser: readable by everybody, at every width, in light and dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tools.models import Tool

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
}


@pytest.fixture
def desk(reader, demo, admin_user):
    page = reader.open("/admin/login/?next=/admin/")
    page.fill("#id_username", admin_user.username)
    page.fill("#id_password", "password")
    page.click("[type=submit]")
    return page


def test_axe_finds_nothing_on_front_page_lists_and_form(desk, live_server):
    tool = Tool.objects.first()
    lists = ("tools/tool/?missing=any", "reviews/review/")
    forms = (f"tools/tool/{tool.pk}/change/", "comparisons/comparison/add/")
    for address in ("", *lists, *forms):
        desk.goto(f"{live_server.url}/admin/{address}")
        for width in (360, 1280):
            for scheme in ("light", "dark"):
                desk.set_viewport_size({"width": width, "height": 800})
                desk.emulate_media(color_scheme=scheme)
                found = Axe().run(desk, options=RULES).response["violations"]
                assert not found, (
                    address,
                    width,
                    scheme,
                    [(rule["id"], rule["nodes"][0]["html"]) for rule in found],
                )
            assert desk.evaluate("document.documentElement.scrollWidth") == width


def test_a_list_is_filtered_by_opening_a_filter_without_javascript(reader, demo, admin_user, desk):
    state = desk.context.storage_state()
    page = reader.open("/admin/tools/tool/", java_script_enabled=False, storage_state=state)
    page.click("summary:has-text('Stage')")
    page.click(".desk-filter a:has-text('Draft')")
    assert "Nothing fits." in page.inner_text("#content")
