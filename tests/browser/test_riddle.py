"""A browser works its vote out of quarantine, under the page's Content-Security-Policy."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from reviews import proof_of_work
from reviews.scorecards import Verdict
from reviews.screening import FLOOD
from reviews.votes import Tally
from reviews.voting import cast_vote
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_solved_riddle_has_the_vote_counted(reader, monkeypatch):
    monkeypatch.setattr(proof_of_work, "NUMBERS", 3000)
    tool = cast.delta()
    for _ in range(FLOOD - 1):
        cast_vote(tool.pk, uuid4(), Verdict.SHIP)
    page = reader.open("/tools/delta/")
    ballot = page.locator("[data-ballot=delta]")
    ballot.get_by_role("button", name="Ship", exact=True).click()
    expect(ballot.get_by_role("status")).to_contain_text("You said ship.")
    expect(ballot.locator("[data-tally-text]")).to_contain_text(f"{FLOOD} votes")
    assert Tally.objects.get().count.ships == FLOOD
    assert not reader.complaints
