"""Votes in the editors' desk."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from reviews.scorecards import Verdict
from reviews.tallies import Count
from reviews.votes import Ruling, Standing, Suspicion, Tally, Vote
from reviews.voting import cast_vote
from tests.cast import delta, make_tool
from tests.conftest import Page

pytestmark = pytest.mark.django_db

LIST = "/admin/reviews/vote/"
FLOODS = "/admin/reviews/vote/floods/"
HOME = b"home"


def member(group):
    user = User.objects.create_user(group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def stuffed(slug, votes=3):
    """A tool with one vote that is counted and others, without a cookie, that wait."""
    tool = make_tool(slug)
    for _ in range(votes):
        cast_vote(tool.pk, uuid4(), Verdict.SHIP, address=HOME, without_cookie=True)
    return tool


def test_floods_shows_each_tool_with_its_chart_and_why_votes_wait():
    stuffed("delta")
    page = Page(member("Editor").get(FLOODS))
    assert "Again without a cookie: 2." in page.text
    assert page.one("svg title").startswith(
        "Votes by the hour in the last seven days: 3, of which 2 are not counted."
    )
    assert len(page.tree.cssselect("main svg rect, #content svg rect")) == 3
    assert not page.tree.cssselect("[style], script:not([src])")


def test_floods_without_any_says_so():
    assert "No vote waits." in Page(member("Editor").get(FLOODS)).text


@pytest.mark.parametrize("address", [FLOODS, LIST])
def test_the_number_of_queries_does_not_grow(address, django_assert_max_num_queries):
    for number in range(8):
        stuffed(f"tool-{number}")
    client = member("Editor")
    with django_assert_max_num_queries(10):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize(("act", "standing"), [("release", "counted"), ("reject", "rejected")])
def test_an_editor_decides_on_a_flood_with_a_note(act, standing):
    tool = stuffed("delta")
    fields = {"tool": tool.pk, "until": timezone.now().isoformat(), "act": act, "note": "I asked."}
    answer = member("Editor").post(FLOODS, fields, follow=True)
    assert f"Votes {act}{'d' if act == 'release' else 'ed'}: 2." in answer.content.decode()
    assert not Vote.objects.filter(standing=Standing.QUARANTINED).exists()
    ruling = Ruling.objects.get()
    assert (ruling.standing, ruling.votes, ruling.reason) == (standing, 2, "I asked.")
    assert ruling.by == "editor"
    assert Tally.objects.get().count == Count(3 if act == "release" else 1, 0)


def test_votes_that_came_after_the_look_are_not_decided_on():
    tool, looked = delta(), timezone.now().isoformat()
    for _ in range(2):
        cast_vote(tool.pk, uuid4(), Verdict.SHIP, address=HOME, without_cookie=True)
    member("Editor").post(FLOODS, {"tool": tool.pk, "until": looked, "act": "release"})
    assert Tally.objects.get().quarantined == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"act": "burn"},
        {"tool": "99999"},
        {"tool": "x"},
        {"until": "yesterday"},
        {"suspicion": "looks"},
        {"note": "x" * 301},
    ],
)
def test_a_wrong_form_decides_nothing_and_says_why(wrong):
    tool = stuffed("delta")
    fields = {"tool": tool.pk, "until": timezone.now().isoformat(), "act": "release"} | wrong
    answer = member("Editor").post(FLOODS, fields, follow=True)
    assert "Nothing was decided: " in answer.content.decode()
    assert Tally.objects.get().quarantined == 2


def test_an_author_sees_no_votes():
    stuffed("delta")
    author = member("Author")
    assert author.get(LIST).status_code == 403
    assert author.get(FLOODS).status_code == 403
    assert author.post(FLOODS, {}).status_code == 403


def test_who_may_look_and_not_decide_has_no_buttons():
    tool = stuffed("delta")
    client = member("Editor")
    group = Group.objects.get(name="Editor")
    group.permissions.remove(group.permissions.get(codename="moderate_vote"))
    assert "Reject" not in Page(client.get(FLOODS)).text
    fields = {"tool": tool.pk, "until": timezone.now().isoformat(), "act": "release"}
    assert client.post(FLOODS, fields).status_code == 403


def test_the_list_is_filtered_by_standing_reason_and_tool():
    one, other = stuffed("delta"), stuffed("epsilon")
    client = member("Editor")
    query = f"?tool={one.pk}&standing__exact=quarantined&suspicion__exact={Suspicion.COOKIE}"
    page = Page(client.get(LIST + query))
    assert page.all("#result_list .field-tool") == ["Delta", "Delta"]
    field = page.tree.cssselect("select[name=tool]")[0]
    assert field.cssselect("option[selected]")[0].get("value") == str(one.pk)
    assert {hidden.get("name") for hidden in field.getparent().cssselect("[type=hidden]")} == {
        "standing__exact",
        "suspicion__exact",
    }
    for wrong in ("x", "9" * 30, str(other.pk + 1000)):
        assert client.get(f"{LIST}?tool={wrong}").status_code == 200


def test_chosen_votes_are_rejected_with_a_note():
    stuffed("delta")
    counted = Vote.objects.get(standing=Standing.COUNTED)
    fields = {"action": "reject_votes", "_selected_action": [counted.pk], "note": "Bought."}
    answer = member("Editor").post(LIST, fields, follow=True)
    assert "Votes rejected: 1." in answer.content.decode()
    assert Tally.objects.get().count == Count(0, 0)
    assert Ruling.objects.get().reason == "Bought."


def test_nobody_writes_votes_by_hand(admin_client):
    stuffed("delta")
    vote = Vote.objects.first()
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.get(f"{LIST}{vote.pk}/delete/").status_code == 403
    page = Page(admin_client.get(f"{LIST}{vote.pk}/change/"))
    assert not page.tree.cssselect("#content input:not([type=hidden]), #content select")
    assert admin_client.post(f"{LIST}{vote.pk}/change/", {"choice": "skip"}).status_code == 403
    assert vote.voter.hex not in page.html
    assert str(vote.voter) not in page.html


def test_the_log_is_there_to_read(admin_client):
    tool = stuffed("delta")
    fields = {"tool": tool.pk, "until": timezone.now().isoformat(), "act": "reject"}
    admin_client.post(FLOODS, fields)
    page = Page(admin_client.get("/admin/reviews/ruling/"))
    assert page.all("#result_list .field-subject") == ["Delta"]
    assert admin_client.get("/admin/reviews/ruling/add/").status_code == 403
