"""A browser works its vote out of quarantine, under the page's Content-Security-Policy."""

from uuid import uuid4

import pytest

from reviews import proof_of_work
from reviews.client_addresses import address_hash
from reviews.scorecards import Verdict
from reviews.screening import HOUSEHOLD
from reviews.votes import Tally
from reviews.voting import cast_vote
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)

VOTE = """async () => {
    const {solve} = await import("/static/js/proof-of-work.js");
    const vote = async fields => {
        const headers = {Accept: "application/json"};
        const body = new URLSearchParams({choice: "ship", ...fields});
        return (await fetch("vote/", {method: "POST", headers, body})).json();
    };
    const {challenge} = await vote({});
    return [challenge !== undefined, await vote({proof: await solve(challenge)})];
}"""


def test_a_solved_riddle_has_the_vote_counted(reader, monkeypatch):
    monkeypatch.setattr(proof_of_work, "NUMBERS", 3000)
    tool = cast.delta()
    for _ in range(HOUSEHOLD):
        home = address_hash({"REMOTE_ADDR": "127.0.0.1"})
        cast_vote(tool.pk, uuid4(), Verdict.SHIP, address=home)
    page = reader.open("/tools/delta/")
    waited, said = page.evaluate(VOTE)
    assert waited
    assert said["count"]["ships"] == HOUSEHOLD + 1
    assert "challenge" not in said
    assert Tally.objects.get().count.ships == HOUSEHOLD + 1
    assert reader.complaints == []
