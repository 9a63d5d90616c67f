"""The history of tools, reviews and comparisons on the desk, and going back in it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from comparisons.catalog.changes import Changes
from comparisons.catalog.importing import import_document
from reviews.models import Revision
from reviews.writing import Statement, record_reviews
from tests import cast
from tests.conftest import Page
from tools.models import Tool, Version
from tools.publishing import acting, move
from tools.status import Status
from tools.versions import marked

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client):
    """Log in as one of a group: desk("Author")."""

    def log_in(group):
        user = User.objects.create_user(group.lower(), password="x", is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
        return client

    return log_in


def history_of(row):
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/history/"


def go_back(client, row, version, **fields):
    return client.post(f"{history_of(row)}{version.pk}/", fields, follow=True)


def change_words(client, tool, **fields):
    with acting():
        for name, value in fields.items():
            setattr(tool, name, value)
        tool.save()


def test_it_names_who_when_why_and_marks_the_words_that_changed(admin_client):
    tool = cast.alpha()
    boss = User.objects.get(username="admin")
    with acting(boss, "The vendor says so."):
        tool.description = "The summary of alpha."
        tool.save()
    page = Page(admin_client.get(history_of(tool)))
    newest, first = page.all(".history > li")
    assert "admin" in newest
    assert "The vendor says so." in newest
    assert f"{timezone.now():%-d %b %Y}" in newest
    assert page.all(".history dt") == ["Description"]
    assert (page.one(".history del"), page.one(".history ins")) == ("description", "summary")
    assert "The first version." in first


def test_other_columns_stand_with_their_names_before_and_now(admin_client):
    tool = cast.alpha()
    change_words(admin_client, tool, vendor=cast.make_vendor("bolt"), tagline="")
    page = Page(admin_client.get(history_of(tool)))
    assert page.all(".history dd") == ["Acme Bolt", "What alpha is for —"]


def test_what_was_written_is_escaped(admin_client):
    tool = cast.alpha()
    change_words(admin_client, tool, description="<script>alert(1)</script>")
    html = admin_client.get(history_of(tool)).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    ("before", "after", "html"),
    [
        ("one two three", "one 2 three", "one<del> two</del><ins> 2</ins> three"),
        ("", "new", "<ins>new</ins>"),
        ("gone", "", "<del>gone</del>"),
        ("same", "same", "same"),
        ("a & b", "a & c", "a &amp;<del> b</del><ins> c</ins>"),
    ],
)
def test_a_difference_marks_whole_words(before, after, html):
    assert marked(before, after) == html


@pytest.mark.parametrize(
    "write",
    [
        lambda tool: Tool.objects.filter(pk=tool.pk).update(tagline="Anew"),
        lambda tool: Tool.objects.bulk_update([Tool(pk=tool.pk, tagline="Anew")], ["tagline"]),
        lambda tool: connection.cursor().execute("UPDATE tools_tool SET tagline = 'Anew'"),
    ],
    ids=["update", "bulk_update", "SQL"],
)
def test_no_way_of_writing_leaves_the_history_out(write):
    tool = cast.alpha()
    write(tool)
    taglines = [version.content["tagline"] for version in tool.versions]
    assert taglines == ["What alpha is for", "Anew"]


def test_saving_a_tool_as_it_is_adds_no_version():
    tool = cast.alpha()
    tool.save()
    assert tool.versions.count() == 1


def test_an_import_leaves_a_version_of_each_tool_and_comparison_in_the_name_of_its_user():
    user = User.objects.create_user("mira")
    entry = {"slug": "anvil", "name": "Anvil", "vendor": "acme", "category": "agents"}
    document = {
        "format": "shiporskip/1",
        "categories": [{"slug": "agents", "name": "Agents"}],
        "vendors": [{"slug": "acme", "name": "Acme"}],
        "tools": [entry, entry | {"slug": "bellows", "name": "Bellows"}],
        "comparisons": [{"left": "anvil", "right": "bellows", "summary": "Heavy against hot."}],
    }
    import_document(document, Changes(), by=user)
    document["tools"][0]["name"] = "The Anvil"
    import_document(document, Changes(), by=user)
    assert list(Version.objects.values_list("kind", "by")) == [
        ("comparisons_comparison", "mira"), *[("tools_tool", "mira")] * 3
    ]  # fmt: skip
    names = [version.content["name"] for version in Tool.objects.get(slug="anvil").versions]
    assert names == ["Anvil", "The Anvil"]


def test_a_version_cannot_be_rewritten():
    cast.alpha()
    with pytest.raises(DatabaseError), transaction.atomic():
        Version.objects.update(by="somebody else")
    with pytest.raises(DatabaseError), transaction.atomic():
        Version.objects.all().delete()


def test_going_back_is_a_new_version_and_leaves_the_status_alone(admin_client):
    tool = cast.make_tool("anvil", status="draft")
    first = tool.versions.get()
    change_words(admin_client, tool, tagline="Other words", released_on="2026-01-02")
    move(tool, Status.PUBLISHED)
    answer = go_back(admin_client, tool, first)
    assert "It is the newest version now." in answer.content.decode()
    tool.refresh_from_db()
    assert (tool.tagline, tool.released_on) == ("What anvil is for", None)
    assert tool.status == Status.PUBLISHED
    newest = tool.versions.last()
    assert (newest.by, tool.versions.count()) == ("admin", 4)
    assert newest.reason.startswith("Back to the version of")


def test_a_comparison_goes_back_to_its_order_and_its_text(admin_client):
    pair = cast.compare(cast.alpha(), cast.beta(), summary="**One** text.")
    first = pair.versions.get()
    pair.left, pair.right, pair.summary = pair.right, pair.left, "Another text."
    pair.save()
    go_back(admin_client, pair, first, reason="It read better.")
    pair.refresh_from_db()
    assert pair.address == "/compare/alpha-vs-beta/"
    assert pair.summary_html == "<p><strong>One</strong> text.</p>"
    assert pair.versions.last().reason == "It read better."


def test_the_version_that_holds_has_no_way_back_to_it(admin_client):
    tool = cast.alpha()
    change_words(admin_client, tool, tagline="Other words")
    page = Page(admin_client.get(history_of(tool)))
    assert len(page.all(".history form")) == 1
    assert "says what holds now" in page.all(".history > li")[0]


def test_a_review_goes_back_with_a_reason_that_readers_see(admin_client, site):
    tool = cast.alpha()
    review = tool.reviews.get(persona="founder")
    first = review.versions.get()
    record_reviews([Statement(tool.pk, "founder", "skip", 20, "Too dear.", reason="The price.")])
    refused = go_back(admin_client, review, first).content.decode()
    assert "Say why the verdict or score changes; readers see it." in refused
    assert review.revisions.count() == 2
    go_back(admin_client, review, first, reason="The price fell again.")
    review.refresh_from_db()
    assert (review.verdict, review.score, review.body) == (first.verdict, first.score, first.body)
    newest = review.revisions.last()
    assert (newest.number, newest.by) == (3, "admin")
    tool.refresh_from_db()
    assert tool.panel.cells == "ssss"
    assert site.get("/tools/alpha/").all(".changes li")[0].endswith("The price fell again.")


def test_a_draft_of_a_review_goes_back_without_a_reason(admin_client):
    tool = cast.delta()
    for verdict in ("ship", "skip"):
        record_reviews([Statement(tool.pk, "founder", verdict, 50, "Words.", status=Status.DRAFT)])
    review = tool.reviews.get()
    go_back(admin_client, review, review.versions.first())
    review.refresh_from_db()
    assert (review.verdict, review.status) == ("ship", Status.DRAFT)


def test_what_a_row_cannot_say_any_more_is_said_and_changes_nothing(admin_client):
    tool = cast.make_tool("anvil")
    first = tool.versions.get()
    change_words(admin_client, tool, slug="the-anvil")
    cast.make_tool("anvil")
    answer = go_back(admin_client, tool, first)
    assert "It stays as it is: Tool with this Slug already exists." in answer.content.decode()
    tool.refresh_from_db()
    assert tool.slug == "the-anvil"


def test_the_history_of_something_deleted_is_kept_to_read(admin_client):
    tool = cast.make_tool("anvil", status="draft")
    first, pk = tool.versions.get(), tool.pk
    address = history_of(tool)
    tool.delete()
    page = Page(admin_client.get(address))
    assert "It was deleted." in page.one(".history-note")
    assert not page.all(".history form")
    answer = admin_client.post(f"{address}{first.pk}/", follow=True)
    assert f"There is no tool &#x27;{pk}&#x27; any more" in answer.content.decode()


def test_a_revision_of_something_deleted_meanwhile_has_a_clear_answer(admin_client):
    review = cast.delta_with("Words.")
    address, first = history_of(review), review.versions.get()
    review.tool.delete()
    for answer in (
        admin_client.get(address, follow=True),
        admin_client.post(f"{address}{first.pk}/", follow=True),
    ):
        assert "any more, and nothing to go back to" in answer.content.decode()


@pytest.mark.parametrize("key", ["0", "x", "9" * 30, "%00", "_5F"])
def test_a_history_of_nothing_is_no_error(admin_client, key):
    for room in ("tools/tool", "reviews/review", "comparisons/comparison"):
        address = f"/admin/{room}/{key}/history/"
        assert admin_client.get(address).status_code == 302
        assert admin_client.post(f"{address}1/").status_code == 302


def test_a_version_of_another_row_is_refused(admin_client):
    alpha, beta = cast.alpha(), cast.beta()
    answer = go_back(admin_client, alpha, beta.versions.get())
    assert "There is no such version of this page." in answer.content.decode()
    alpha.refresh_from_db()
    assert alpha.name == "Alpha"


def test_an_author_goes_back_in_drafts_only(desk):
    client = desk("Author")
    draft, public = cast.make_tool("anvil", status="draft"), cast.make_tool("bellows")
    for tool in (draft, public):
        change_words(client, tool, tagline="Other words")
        go_back(client, tool, tool.versions.first())
        tool.refresh_from_db()
    assert (draft.tagline, public.tagline) == ("What anvil is for", "Other words")
    assert not Page(client.get(history_of(public))).all(".history form")


def test_a_stranger_sees_no_history(client):
    assert client.get(history_of(cast.alpha())).status_code == 302


def test_the_number_of_queries_does_not_grow_with_the_versions(
    admin_client, django_assert_max_num_queries
):
    tool = cast.alpha()
    for number in range(60):
        change_words(admin_client, tool, tagline=f"Words {number}")
    with django_assert_max_num_queries(12):
        page = Page(admin_client.get(history_of(tool)))
    assert len(page.all(".history > li")) == 24
    assert page.links(".history-pages a") == ["?page=2"]
    last = Page(admin_client.get(f"{history_of(tool)}?page=3"))
    assert "The first version." in last.all(".history > li")[-1]
    middle = Page(admin_client.get(f"{history_of(tool)}?page=2"))
    assert "The first version." not in middle.one("#content-main")


def test_what_was_never_public_is_no_part_of_the_public_history(site):
    tool = cast.alpha()
    said = {"tool_id": tool.pk, "persona": "founder", "body": "Words."}
    review = tool.reviews.get(persona="founder")
    tomorrow = timezone.now() + timedelta(days=1)
    for verdict, score, status in (
        ("ship", 72, Status.WITHDRAWN),
        ("skip", 11, Status.DRAFT),
        ("skip", 12, Status.SCHEDULED),
    ):
        at = tomorrow if status == Status.SCHEDULED else None
        record_reviews(
            [Statement(verdict=verdict, score=score, status=status, published_at=at,
                       reason=f"Reason {score}", **said)]
        )  # fmt: skip
    assert Revision.objects.filter(review=review).count() == 4
    for address in ("/tools/alpha/", "/corrections/"):
        page = site.get(address)
        for secret in ("11/100", "12/100", "Reason 11", "Reason 12"):
            assert secret not in page.text
