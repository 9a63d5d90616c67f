"""An author changes nothing that readers see, by whatever road the desk has."""

import pytest
from django.contrib.auth.models import Group, User

from tests import cast
from tests.shiporskip.test_admin import form_of
from tools.models import Plan, Price, Vendor
from tools.status import Status

pytestmark = pytest.mark.django_db

TODAY = "2026-11-20"


@pytest.fixture
def log_in(client):
    def log_in(group):
        user = User.objects.create(username=group.lower(), is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
        return client

    return log_in


def plan_fields(tool, **fields):
    return {
        "tool": tool.pk, "label": "New", "kind": "subscription", "position": 0,
        "prices-TOTAL_FORMS": 1, "prices-INITIAL_FORMS": 0, "prices-0-amount": "0.01",
        "prices-0-currency": "USD", "prices-0-period": "month", "prices-0-effective_on": TODAY,
        "prices-0-checked_on": TODAY,
    } | fields  # fmt: skip


def test_an_author_neither_prices_nor_renames_a_plan_of_a_public_tool(log_in):
    plan = cast.add_plan(cast.alpha(), "Team", "subscription", "30.00")
    author = log_in("Author")
    address = f"/admin/tools/plan/{plan.pk}/change/"
    assert author.get(address).status_code == 200
    assert author.post(address, plan_fields(plan.tool, label="Hacked")).status_code == 403
    assert Plan.objects.get(pk=plan.pk).label == "Team"
    assert plan.prices.count() == 1


def test_an_author_adds_no_plan_to_a_public_tool_but_to_a_draft(log_in):
    public, draft = cast.alpha(), cast.make_tool("draft", status=Status.DRAFT)
    author = log_in("Author")
    answer = author.post("/admin/tools/plan/add/", plan_fields(public))
    assert "Readers see this tool." in answer.content.decode()
    assert not Plan.objects.filter(label="New").exists()
    assert author.post("/admin/tools/plan/add/", plan_fields(draft)).status_code == 302
    assert Price.objects.get(plan__label="New").plan.tool == draft


def test_a_plan_does_not_move_to_another_tool(log_in):
    plan = cast.add_plan(cast.alpha(), "Team")
    other = cast.make_tool("other", status=Status.DRAFT)
    editor = log_in("Editor")
    address = f"/admin/tools/plan/{plan.pk}/change/"
    fields = form_of(editor.get(address)) | {"tool": other.pk}
    assert editor.post(address, fields).status_code == 302
    assert Plan.objects.get(pk=plan.pk).tool == plan.tool


def test_a_publisher_prices_a_public_tool(log_in):
    plan = cast.add_plan(cast.alpha(), "Team", "subscription", "30.00")
    publisher = log_in("Publisher")
    address = f"/admin/tools/plan/{plan.pk}/change/"
    fields = form_of(publisher.get(address)) | {
        "prices-TOTAL_FORMS": 2, "prices-1-amount": "35", "prices-1-currency": "USD",
        "prices-1-period": "month", "prices-1-effective_on": TODAY, "prices-1-checked_on": TODAY,
    }  # fmt: skip
    assert publisher.post(address, fields).status_code == 302
    assert [str(price.amount) for price in plan.prices.order_by("pk")] == ["30.000000", "35.000000"]


def test_an_author_renames_a_vendor_only_while_no_page_shows_it(log_in):
    shown = cast.alpha().vendor
    unseen = cast.make_vendor("unseen")
    author = log_in("Author")
    for vendor, status in ((shown, 403), (unseen, 302)):
        address = f"/admin/tools/vendor/{vendor.pk}/change/"
        fields = {"name": "Evil", "slug": vendor.slug, "website": ""}
        for name, shown_value in (("name", vendor.name), ("slug", vendor.slug), ("website", "")):
            fields[f"initial-{name}"] = shown_value
        answer = author.post(address, fields)
        assert answer.status_code == status
    assert set(Vendor.objects.values_list("name", flat=True)) == {shown.name, "Evil"}


@pytest.mark.parametrize("key", ["abc", "999999", "1_2"])
def test_moving_what_is_not_there_leads_back_to_the_list(admin_client, key):
    answer = admin_client.post(f"/admin/tools/tool/{key}/move/", {"move-to": "published"})
    assert answer.status_code == 302


def test_moving_needs_an_account_that_may_see_the_page(client):
    tool = cast.alpha()
    client.force_login(User.objects.create(username="nobody", is_staff=True))
    for key in (tool.pk, 999999):
        answer = client.post(f"/admin/tools/tool/{key}/move/", {"move-to": "withdrawn"})
        assert answer.status_code == 403
