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


def test_the_page_answers_while_a_riddle_is_solved(reader, demo):
    page = reader.open("/tools/claude-4-sonnet/")
    ticks = page.evaluate("""async () => {
        const {solve} = await import("/static/js/proof-of-work.js");
        let ticks = 0;
        const clock = setInterval(() => ticks++, 5);
        const unsolvable = {algorithm: "SHA-256", challenge: "00".repeat(32), salt: "s"};
        await solve({...unsolvable, max_number: 20000});
        clearInterval(clock);
        return ticks;
    }""")
    assert ticks > 5


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
