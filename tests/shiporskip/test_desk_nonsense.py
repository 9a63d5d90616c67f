"""Addresses of the desk that no page leads to: every list by every column, every form filled in."""

import pytest
from django.contrib import admin
from django.db import models, transaction

from tests import cast

NONSENSE = ("x", "9" * 23, "%00")


@pytest.fixture
def status_of(admin_client):
    """Ask for an address; whatever that did to the database is undone."""
    cast.compare(cast.alpha(), cast.beta())
    admin_client.raise_request_exception = False

    def ask(address, query):
        before = transaction.savepoint()
        answer = admin_client.get(address, QUERY_STRING=query)
        transaction.savepoint_rollback(before)
        return answer.status_code

    return ask


def rooms():
    return {
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/": model
        for model in admin.site._registry
    }


@pytest.mark.django_db
def test_a_list_by_what_its_columns_cannot_be_is_told_so(status_of):
    seen = set()
    for room, model in rooms().items():
        for field in model._meta.get_fields():
            for nonsense in NONSENSE:
                status = status_of(room, f"{field.name}={nonsense}")
                assert status < 500, (room, field.name, nonsense)
                seen.add(status)
    assert seen >= {200, 302, 400}


@pytest.mark.django_db
def test_a_new_row_of_something_that_cannot_be_begins_without_it(status_of):
    for room, model in rooms().items():
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey):
                for nonsense in NONSENSE:
                    status = status_of(f"{room}add/", f"{field.name}={nonsense}")
                    assert status in (200, 400, 403), (room, field.name, nonsense)


@pytest.mark.django_db
def test_what_a_link_fills_in_is_still_filled_in(admin_client):
    tool = cast.alpha()
    page = admin_client.get(f"/admin/reviews/review/add/?tool={tool.pk}&persona=builder")
    assert page.context["adminform"].form.initial["tool"] == str(tool.pk)
    assert page.context["adminform"].form.initial["persona"] == "builder"


@pytest.mark.django_db
def test_keys_pages_and_orders_that_are_none_are_told_so(status_of):
    for room in rooms():
        for query in (
            "o=x",
            "p=-1",
            "p=9" * 9,
            "e=1",
            "_to_field=x",
            "_popup=1",
            "q=%2527",
            "all=",
        ):
            assert status_of(room, query) < 500, (room, query)
        for key in ("x", "_00", "9" * 23):
            for tail in ("change/", "history/", "delete/"):
                assert status_of(f"{room}{key}/{tail}", "") < 500, (room, key, tail)
