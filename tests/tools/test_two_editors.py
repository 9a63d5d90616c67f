"""Two editors, or two tabs, at one page: who is second is told, and nobody loses anything."""

from threading import Thread

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client

from reviews.writing import Statement, record_reviews
from tests import cast
from tests.conftest import Page
from tests.shiporskip.test_admin import form_of
from tools.conflicts import ReasonedForm
from tools.models import Tool
from tools.publishing import acting, move
from tools.status import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(db):
    """The other editor's browser."""
    client = Client()
    client.force_login(User.objects.create_superuser("mira", password="x"))
    return client


def form_at(client, row):
    """Return the address of a row's form and what the browser would send."""
    address = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
    return address, form_of(client.get(address))


def rows():
    """Return one row of each kind, with the text that two editors change."""
    alpha = cast.alpha()
    return [
        (alpha, "description"),
        (alpha.reviews.get(persona="founder"), "body"),
        (cast.compare(alpha, cast.beta()), "summary"),
    ]


def test_who_saves_second_sees_both_versions_and_nothing_is_overwritten(admin_client, other):
    for row, text in rows():
        address, mine = form_at(admin_client, row)
        _, theirs = form_at(other, row)
        start = theirs[text]
        assert other.post(address, theirs | {text: f"{start} Theirs"}).status_code == 302
        answer = admin_client.post(address, mine | {text: f"{start} Mine"})
        assert answer.status_code == 200
        page = Page(answer)
        assert "mira was quicker" in page.one(".conflict h2")
        assert [ins.text for ins in page.tree.cssselect(".conflict ins")] == [" Theirs", " Mine"]
        assert "Somebody else has saved this meanwhile." in page.one(".errorlist.nonfield")
        field = page.tree.cssselect(f"textarea[name={text}]")[0]
        assert field.text_content().strip() == f"{start} Mine"
        row.refresh_from_db()
        assert getattr(row, text) == f"{start} Theirs"


def test_saving_again_overwrites_and_theirs_stays_in_the_history(admin_client, other):
    for row, text in rows():
        address, mine = form_at(admin_client, row)
        _, theirs = form_at(other, row)
        other.post(address, theirs | {text: "Theirs."})
        told = admin_client.post(address, mine | {text: "Mine."})
        assert admin_client.post(address, form_of(told)).status_code == 302
        row.refresh_from_db()
        assert getattr(row, text) == "Mine."
        said = [(version.content[text], version.by) for version in row.versions]
        assert said[-2:] == [("Theirs.", "mira"), ("Mine.", "admin")]


def test_whoever_saved_once_more_is_told_of_again(admin_client, other):
    tool = cast.alpha()
    address, mine = form_at(admin_client, tool)
    for words in ("One.", "Two."):
        _, theirs = form_at(other, tool)
        other.post(address, theirs | {"description": words})
        told = admin_client.post(address, mine | {"description": "Mine."})
        assert words in Page(told).one(".conflict")
        mine = form_of(told)
    assert admin_client.post(address, mine).status_code == 302


def test_two_tabs_that_say_the_same_are_no_conflict(admin_client):
    tool = cast.alpha()
    address, fields = form_at(admin_client, tool)
    for _ in range(2):
        assert admin_client.post(address, fields | {"tagline": "Anew"}).status_code == 302
    assert tool.versions.count() == 2


def test_a_page_that_was_only_moved_meanwhile_is_no_conflict(admin_client):
    tool = cast.make_tool("anvil", status="draft")
    address, fields = form_at(admin_client, tool)
    move(tool, Status.IN_REVIEW)
    assert admin_client.post(address, fields | {"tagline": "Anew"}).status_code == 302
    tool.refresh_from_db()
    assert (tool.tagline, tool.status) == ("Anew", Status.IN_REVIEW)


@pytest.mark.parametrize("token", ["", "0", "x", "9" * 40, "-1", "1\x00"])
def test_a_form_that_does_not_know_its_version_is_never_trusted(admin_client, token):
    tool = cast.alpha()
    address, fields = form_at(admin_client, tool)
    answer = admin_client.post(address, fields | {"version": token, "tagline": "Anew"})
    assert answer.status_code == 200
    tool.refresh_from_db()
    assert tool.tagline == "What alpha is for"


def test_a_wrong_form_shows_the_conflict_beside_its_own_faults(admin_client, other):
    tool = cast.alpha()
    address, mine = form_at(admin_client, tool)
    _, theirs = form_at(other, tool)
    other.post(address, theirs | {"tagline": "Theirs", "released_on": "2026-01-02"})
    wrong = mine | {"released_on": "tomorrow", "name": ""}
    page = Page(admin_client.post(address, wrong))
    assert page.all(".conflict h3") == ["Name", "Tagline", "Released on"]
    assert "tomorrow" in page.one(".conflict")
    assert "Enter a valid date." in page.html


def test_what_the_other_wrote_is_escaped(admin_client, other):
    tool = cast.alpha()
    address, mine = form_at(admin_client, tool)
    _, theirs = form_at(other, tool)
    other.post(address, theirs | {"description": "<script>alert(1)</script>"})
    html = admin_client.post(address, mine | {"description": "Mine."}).content.decode()
    assert "<script>alert" not in html


def test_the_reason_of_a_change_is_kept_with_it(admin_client):
    tool = cast.alpha()
    address, fields = form_at(admin_client, tool)
    fields |= {"tagline": "Anew", "why": "The vendor renamed it."}
    admin_client.post(address, fields)
    newest = tool.versions.last()
    assert (newest.by, newest.reason) == ("admin", "The vendor renamed it.")


def test_what_was_saved_while_the_form_was_made_counts_as_unseen():
    class Form(ReasonedForm):
        class Meta:
            model = Tool
            fields = ["name", "tagline"]

    tool = cast.alpha()
    Tool.objects.update(tagline="Saved after the row was read")
    assert Form(instance=tool).initial.get("version") is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["tool", "review", "comparison"])
def test_of_two_who_save_at_the_same_moment_one_is_told(kind):
    """The first holds the row while the second arrives; the second waits, then hears of it."""
    alpha = cast.alpha()
    row, text = {
        "tool": lambda: (alpha, "description"),
        "review": lambda: (alpha.reviews.get(persona="founder"), "body"),
        "comparison": lambda: (cast.compare(alpha, cast.beta()), "summary"),
    }[kind]()
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    address, fields = form_at(client, row)
    answers = []

    def save():
        try:
            answers.append(client.post(address, fields | {text: "Mine."}))
        finally:
            connections.close_all()

    second = Thread(target=save)
    with transaction.atomic():
        if kind == "review":
            record_reviews([Statement(alpha.pk, "founder", row.verdict, row.score, "Theirs.")])
        else:
            setattr(row, text, "Theirs.")
            row.save()
        second.start()
        wait_until_somebody_waits()
    second.join(timeout=20)
    (answer,) = answers
    assert answer.status_code == 200
    assert "Theirs." in Page(answer).one(".conflict")
    row.refresh_from_db()
    assert getattr(row, text) == "Theirs."


@pytest.mark.django_db(transaction=True)
def test_a_form_never_undoes_a_publication_that_came_in_between():
    tool = cast.make_tool("anvil", status="draft")
    cast.review(tool, "ship ship ship ship")
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    address, fields = form_at(client, tool)
    answers = []

    def save():
        try:
            answers.append(client.post(address, fields | {"tagline": "Anew"}))
        finally:
            connections.close_all()

    second = Thread(target=save)
    with acting():
        move(tool, Status.PUBLISHED)
        second.start()
        wait_until_somebody_waits()
    second.join(timeout=20)
    assert [answer.status_code for answer in answers] == [302]
    tool.refresh_from_db()
    assert (tool.status, tool.tagline) == (Status.PUBLISHED, "Anew")


def wait_until_somebody_waits():
    """Return once another connection waits for a lock of this one."""
    with connection.cursor() as cursor:
        for _ in range(2000):
            # The sleep keeps this loop from burning a core; nothing depends on how long it is.
            cursor.execute(
                "SELECT count(*) FROM pg_locks, pg_sleep(0.005)"
                " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


# Plans on their tool's page, which have no versions


def test_what_another_made_of_a_plan_stays_where_only_the_tool_was_changed(admin_client, other):
    tool = cast.alpha()
    address, mine = form_at(admin_client, tool)
    _, theirs = form_at(other, tool)
    theirs |= {"plans-1-label": "Team", "plans-1-kind": "quote", "plans-1-position": "7"}
    assert other.post(address, theirs).status_code == 302
    assert admin_client.post(address, mine | {"tagline": "Anew"}).status_code == 302
    assert list(tool.plans.values_list("label", "kind", "position")) == [
        ("Free tier", "free", 0),
        ("Team", "quote", 7),
    ]


def test_two_editors_in_two_fields_of_a_plan_both_count(admin_client, other):
    tool = cast.alpha()
    address, mine = form_at(admin_client, tool)
    _, theirs = form_at(other, tool)
    assert other.post(address, theirs | {"plans-0-label": "Starter"}).status_code == 302
    assert admin_client.post(address, mine | {"plans-0-position": "9"}).status_code == 302
    assert tool.plans.get(position=9).label == "Starter"


@pytest.mark.parametrize(
    ("field", "theirs", "mine", "told"),
    [("label", "Theirs", "Mine", "Theirs"), ("kind", "quote", "usage", "On request"),
     ("position", "7", "8", "7")],
)  # fmt: skip
def test_two_editors_in_one_field_of_a_plan_are_told_once(
    admin_client, other, field, theirs, mine, told
):
    tool = cast.alpha()
    plan = tool.plans.get(label="Free tier")
    name = f"plans-0-{field}"
    address, fields = form_at(admin_client, tool)
    other.post(address, form_at(other, tool)[1] | {name: theirs})
    answer = admin_client.post(address, fields | {name: mine})
    assert answer.status_code == 200
    page = Page(answer)
    assert f"meanwhile, to “{told}”" in page.one(f".plan-field-{field} .errorlist")
    (seen,) = page.tree.cssselect(f"input[name=initial-{name}]")
    assert seen.get("value") == theirs
    assert form_of(answer)[name] == mine
    plan.refresh_from_db()
    assert str(getattr(plan, field)) == theirs
    assert admin_client.post(address, form_of(answer)).status_code == 302
    plan.refresh_from_db()
    assert str(getattr(plan, field)) == mine


def test_a_price_that_another_added_meanwhile_asks_nothing_of_a_form(admin_client, other):
    tool = cast.alpha()
    address, mine = form_at(admin_client, tool)
    _, theirs = form_at(other, tool)
    theirs |= {"plans-1-amount": "30", "plans-1-currency": "EUR", "plans-1-period": "year"}
    assert other.post(address, theirs).status_code == 302
    assert admin_client.post(address, mine | {"tagline": "Anew"}).status_code == 302
    assert [price.currency for price in tool.plans.get(position=1).prices.all()] == ["USD", "EUR"]


# Vendors and categories, which have no versions either


def test_an_editor_of_a_category_keeps_what_another_wrote_in_another_field(admin_client, other):
    category = cast.make_category()
    address, mine = form_at(admin_client, category)
    _, theirs = form_at(other, category)
    assert other.post(address, theirs | {"description": "Theirs.\r\n\r\nAnew."}).status_code == 302
    assert admin_client.post(address, mine | {"name": "Tools"}).status_code == 302
    category.refresh_from_db()
    assert (category.name, category.description) == ("Tools", "Theirs.\n\nAnew.")
    assert category.description_html == "<p>Theirs.</p>\n<p>Anew.</p>"


def test_two_editors_in_one_field_of_a_category_or_vendor_are_told_once(admin_client, other):
    for row, field in (
        (cast.make_category(), "description"),
        (cast.make_vendor("acme"), "website"),
    ):
        theirs, mine = "https://example.org/theirs", "https://example.org/mine"
        address, fields = form_at(admin_client, row)
        other.post(address, form_at(other, row)[1] | {field: theirs})
        answer = admin_client.post(address, fields | {field: mine})
        assert answer.status_code == 200
        page = Page(answer)
        assert f"meanwhile, to “{theirs}”" in page.one(f".field-{field} .errorlist")
        (seen,) = page.tree.cssselect(f"input[name=initial-{field}]")
        assert seen.get("value") == theirs
        assert form_of(answer)[field] == mine
        row.refresh_from_db()
        assert getattr(row, field) == theirs
        assert admin_client.post(address, form_of(answer)).status_code == 302
        row.refresh_from_db()
        assert getattr(row, field) == mine


def test_a_form_that_does_not_say_what_it_showed_is_told_of_what_stands(admin_client):
    category = cast.make_category()
    address, fields = form_at(admin_client, category)
    bare = {name: value for name, value in fields.items() if not name.startswith("initial-")}
    answer = admin_client.post(address, bare | {"name": "Mine"})
    assert "to “Developer Tools”" in Page(answer).one(".field-name .errorlist")


def test_what_was_deleted_meanwhile_is_not_written_again(admin_client):
    tool = cast.alpha()
    plan = cast.add_plan(tool, "Team", "quote")
    address, fields = form_at(admin_client, tool)
    plan.delete()
    assert admin_client.post(address, fields | {"plans-2-label": "Mine"}).status_code == 200
    assert not tool.plans.filter(label__in=["Team", "Mine"]).exists()
