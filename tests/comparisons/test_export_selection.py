"""Exporting some of the catalog from the lists of the desk, and all of it from the import page."""

import json

import pytest
from django.contrib.auth.models import Group, User

from comparisons.catalog.changes import Changes
from comparisons.catalog.importing import import_document
from comparisons.models import Comparison
from tests import cast
from tools.models import Category, Tool, Vendor

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog():
    """Alpha and Beta are compared with each other, and Beta with Gamma."""
    alpha, beta = cast.alpha(), cast.beta()
    gamma = cast.make_tool(
        "gamma", vendor=cast.make_vendor("other"), category=cast.make_category("Agents", "agents")
    )
    cast.compare(alpha, beta)
    cast.compare(beta, gamma)


def exported(client, room, rows, **more):
    fields = {
        "action": f"export_{room.split('/')[1]}s",
        "_selected_action": [row.pk for row in rows],
    }
    answer = client.post(f"/admin/{room}/", fields | more)
    assert answer.status_code == 200
    assert answer.streaming
    assert "attachment" in answer["Content-Disposition"]
    return json.loads(b"".join(answer.streaming_content))


def slugs(document, section):
    return [entry["slug"] for entry in document[section]]


def pairs(document):
    return [(entry["left"], entry["right"]) for entry in document["comparisons"]]


def test_selected_tools_come_with_what_they_need_and_the_comparisons_between_them(
    admin_client, catalog
):
    document = exported(admin_client, "tools/tool", Tool.objects.filter(slug__in=["alpha", "beta"]))
    assert slugs(document, "tools") == ["alpha", "beta"]
    assert slugs(document, "vendors") == ["acme"]
    assert slugs(document, "categories") == ["developer-tools"]
    assert pairs(document) == [("alpha", "beta")]
    assert len(document["tools"][0]["reviews"]) == 4


def test_selected_comparisons_come_with_their_tools(admin_client, catalog):
    chosen = Comparison.objects.filter(right__slug="gamma")
    document = exported(admin_client, "comparisons/comparison", chosen)
    assert pairs(document) == [("beta", "gamma")]
    assert slugs(document, "tools") == ["beta", "gamma"]
    assert slugs(document, "vendors") == ["acme", "other"]


def test_a_selection_is_a_document_that_an_empty_site_takes_in(admin_client, catalog):
    document = exported(admin_client, "tools/tool", Tool.objects.filter(slug="gamma"))
    for model in (Comparison, Tool, Vendor, Category):
        model.objects.all().delete()
    import_document(document, Changes())
    assert Tool.objects.get().slug == "gamma"


def test_all_that_a_search_found_may_be_selected_at_once(admin_client, catalog):
    chosen = Tool.objects.filter(slug="alpha")
    document = exported(admin_client, "tools/tool", chosen, select_across="1")
    assert slugs(document, "tools") == ["alpha", "beta", "gamma"]


def test_the_whole_catalog_is_one_link_away(admin_client, catalog):
    assert "/admin/export/" in admin_client.get("/admin/import/").content.decode()
    document = json.loads(b"".join(admin_client.get("/admin/export/").streaming_content))
    assert slugs(document, "tools") == ["alpha", "beta", "gamma"]


def test_who_may_not_see_everything_in_it_gets_nothing(client, catalog):
    user = User.objects.create(username="guest", is_staff=True)
    client.force_login(user)
    assert client.get("/admin/export/").status_code == 403
    user.groups.add(Group.objects.get(name="Author"))
    assert client.get("/admin/export/").status_code == 200
    client.logout()
    assert client.get("/admin/export/").status_code == 302
