"""The desk from end to end: what an editor does on the day that a tool gets its verdicts."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import expect

from tests import cast
from tools.models import Tool
from tools.status import Status

PASSWORD = "a horse that staples batteries"


def make_editor():
    editor = User.objects.create_user("mira", password=PASSWORD, is_staff=True)
    # Tests with a real server empty the tables, and so the groups that a migration made.
    import_module("comparisons.migrations.0004_groups").make_groups(apps, None)
    editor.groups.add(Group.objects.get(name="Editor"))


def choose(page, field, name):
    """Pick a row by its name from a box that searches while one types."""
    page.locator(f"#id_{field} + .select2 .select2-selection").click()
    page.locator(".select2-search__field").fill(name)
    page.get_by_role("option", name=name).click()


@pytest.mark.django_db(transaction=True)
def test_a_tool_is_entered_scheduled_previewed_published_and_read(reader):
    make_editor()
    cast.make_category("Agents", "agents")
    cast.make_vendor("acme")

    page = reader.open("/admin/")
    page.get_by_label("Username").fill("mira")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="New tool").click()

    page.locator("#id_name").press_sequentially("Anvil 2")
    expect(page.locator("#id_slug")).to_have_value("anvil-2")
    choose(page, "vendor", "Acme")
    choose(page, "category", "Agents")
    page.locator("#id_tagline").fill("Heavy things, dropped well")
    for persona in ("builder", "skeptic", "futurist", "founder"):
        verdict = "skip" if persona == "skeptic" else "ship"
        page.locator(f"input[name=reviews-{persona}-verdict][value={verdict}]").check()
        page.locator(f"#id_reviews-{persona}-score").fill("70")
        page.locator(f"#id_reviews-{persona}-body").fill(f"What the **{persona}** found.")
    tomorrow = timezone.now() + timedelta(days=1)
    page.locator("#id_move-at_0").fill(f"{tomorrow:%Y-%m-%d}")
    page.locator("#id_move-at_1").fill("09:00:00")
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator(".messagelist")).to_contain_text("will appear at")
    tool = Tool.objects.get(slug="anvil-2")
    assert tool.stage == Status.SCHEDULED

    preview = page.locator("#preview-link").input_value()
    stranger = reader.open("/" + preview.split("/", 3)[3])  # another browser, without the log-in
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Anvil 2")
    expect(stranger.get_by_text("What the founder found.")).to_be_visible()
    missing = reader.open("/healthz").request.get(f"{reader.server.url}/tools/anvil-2/")
    assert missing.status == 404

    page.get_by_role("button", name="Publish now").click()
    expect(page.locator(".messagelist")).to_contain_text("is published")
    public = reader.visit(stranger, "/tools/anvil-2/")
    expect(public.locator(".manifest-verdict .verdict-stamp")).to_have_text("Ship")
    expect(public.get_by_text("What the skeptic found.")).to_be_visible()
