"""Duels in the editors' desk."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from reviews.dueling import cast_duel
from reviews.duels import Choice, Duel, DuelTally
from reviews.tallies import DuelCount
from reviews.votes import Ruling
from tests.cast import make_tool

pytestmark = pytest.mark.django_db

LIST = "/admin/reviews/duel/"


def member(group):
    user = User.objects.create_user(group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def test_an_editor_rejects_a_choice_with_a_note():
    left, right = make_tool("one"), make_tool("two")
    for _ in range(2):
        cast_duel(left.pk, right.pk, uuid4(), Choice.LEFT)
    editor, chosen = member("Editor"), Duel.objects.first()
    assert "One or Two" in editor.get(LIST).content.decode()
    fields = {"action": "reject_votes", "_selected_action": [chosen.pk], "note": "Bought."}
    assert editor.post(LIST, fields).status_code == 302
    assert DuelTally.objects.get().count == DuelCount(1, 0, 0)
    ruling = Ruling.objects.get()
    assert (ruling.subject, ruling.reason, ruling.by) == ("One or Two", "Bought.", "editor")


def test_an_author_sees_no_duels():
    assert member("Author").get(LIST).status_code == 403


def test_nobody_writes_duels_by_hand(admin_client):
    assert admin_client.get(f"{LIST}add/").status_code == 403
