import pytest
from playwright.sync_api import expect

from reviews.duels import Duel, DuelTally
from reviews.votes import Vote
from tools.models import Tool
from tools.status import Status


def test_a_vote_moves_the_tally_is_remembered_and_can_be_undone(reader, demo):
    page = reader.open("/tools/claude-4-sonnet/")
    ballot = page.locator("[data-ballot=claude-4-sonnet]")
    ballot.get_by_role("button", name="Ship", exact=True).click()
    expect(ballot.locator("[data-tally-text]")).to_have_text("1 vote, too few to say")
    expect(ballot.get_by_role("status")).to_contain_text("You said ship.")
    assert Vote.objects.get().choice == "ship"

    page.reload()
    pressed = ballot.get_by_role("button", name="Ship", exact=True)
    expect(pressed).to_have_attribute("aria-pressed", "true")
    ballot.get_by_role("button", name="Skip", exact=True).click()
    expect(ballot.get_by_role("status")).to_contain_text("You said skip.")
    ballot.get_by_role("button", name="Undo").click()
    expect(pressed).to_have_attribute("aria-pressed", "true")
    assert Vote.objects.get().choice == "ship"
    ballot.get_by_role("button", name="Take my vote back").click()
    expect(ballot.locator("[data-tally-text]")).to_have_text("No community votes yet")
    assert not Vote.objects.exists()
    assert not reader.complaints


def test_a_reader_who_answers_every_ballot_at_once_is_one_voter(reader, demo):
    page = reader.open("/compare/claude-4-sonnet-vs-smolvlm2-turbo/")
    page.evaluate("""() => {
        for (const form of document.querySelectorAll("[data-ballot] form")) {
            form.querySelector("button[name=choice]").click();
        }
    }""")
    for status in page.locator("[data-ballot-status]").all():
        expect(status).to_contain_text("You said")
    voters = {vote.voter for kind in (Vote, Duel) for vote in kind.objects.all()}
    assert len(voters) == 1
    assert Vote.objects.count() == 2


def test_taking_back_what_this_browser_has_not_cast_says_so_and_keeps_the_focus(reader, demo):
    page = reader.open("/tools/claude-4-sonnet/")
    ballot = page.locator("[data-ballot=claude-4-sonnet]")
    ship = ballot.get_by_role("button", name="Ship", exact=True)
    ship.focus()
    page.keyboard.press("Enter")
    expect(ballot.get_by_role("status")).to_contain_text("You said ship.")
    expect(ship).to_be_focused()
    page.context.clear_cookies()
    ballot.get_by_role("button", name="Take my vote back").click()
    expect(ballot.get_by_role("status")).to_contain_text("nothing was taken back")
    assert Vote.objects.count() == 1


def test_without_javascript_a_vote_leads_back_to_its_place_on_the_page(reader, demo):
    page = reader.open("/compare/claude-4-sonnet-vs-smolvlm2-turbo/", java_script_enabled=False)
    ballot = page.locator("#ballot-smolvlm2-turbo")
    ballot.get_by_role("button", name="Skip", exact=True).click()
    page.wait_for_url("**/compare/claude-4-sonnet-vs-smolvlm2-turbo/#ballot-smolvlm2-turbo")
    expect(ballot.locator("[data-tally-text]")).to_have_text("1 vote, too few to say")
    assert Vote.objects.get().choice == "skip"


@pytest.mark.parametrize("width", [320, 1280])
def test_a_ballot_that_cannot_be_sent_says_so_and_keeps_nothing(reader, demo, width):
    page = reader.open("/tools/claude-4-sonnet/", width=width)
    page.route("**/vote/", lambda route: route.abort())
    ballot = page.locator("[data-ballot=claude-4-sonnet]")
    ballot.get_by_role("button", name="Ship", exact=True).click()
    expect(ballot.get_by_role("status")).to_contain_text("Your vote did not arrive.")
    expect(ballot.get_by_role("button", name="Ship", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    assert not Vote.objects.exists()


def test_a_ballot_that_the_server_refuses_says_why(reader, demo):
    page = reader.open("/tools/claude-4-sonnet/")
    tool = Tool.objects.get(slug="claude-4-sonnet")
    tool.become(Status.WITHDRAWN)
    tool.save()
    ballot = page.locator("[data-ballot=claude-4-sonnet]")
    ballot.get_by_role("button", name="Ship", exact=True).click()
    expect(ballot.get_by_role("status")).to_have_text(
        "No published tool is called “claude-4-sonnet”."
    )


PAIR = "/compare/claude-4-sonnet-vs-smolvlm2-turbo/"


def test_a_choice_between_two_moves_the_bar_is_remembered_and_can_be_undone(reader, demo):
    left, right = Tool.objects.filter(slug__in=["claude-4-sonnet", "smolvlm2-turbo"]).order_by("pk")
    DuelTally.objects.create(left=left, right=right, lefts=9)
    page = reader.open(PAIR)
    ballot = page.locator("[data-ballot=claude-4-sonnet-vs-smolvlm2-turbo]")
    neither = ballot.get_by_role("button", name="Neither")
    neither.click()
    expect(ballot.locator("[data-tally-text]")).to_contain_text("Of 10 readers 90% would ship")
    expect(ballot.get_by_role("status")).to_contain_text("You said Neither.")
    expect(ballot.locator(".duel-bar")).to_be_visible()

    page.reload()
    expect(neither).to_have_attribute("aria-pressed", "true")
    ballot.get_by_role("button", name="SmolVLM2").click()
    expect(ballot.get_by_role("status")).to_contain_text("You said SmolVLM2")
    ballot.get_by_role("button", name="Undo").click()
    expect(neither).to_have_attribute("aria-pressed", "true")
    ballot.get_by_role("button", name="Take my answer back").click()
    expect(ballot.locator("[data-tally-text]")).to_have_text("9 readers answered, too few to say.")
    assert not Duel.objects.exists()
    assert not reader.complaints


def test_without_javascript_a_choice_leads_back_to_its_place_on_the_page(reader, demo):
    page = reader.open(PAIR, java_script_enabled=False)
    page.get_by_role("button", name="Neither").click()
    page.wait_for_url(f"**{PAIR}#duel")
    expect(page.locator(".duel-count")).to_have_text("1 reader answered, too few to say.")
    assert Duel.objects.get().choice == "neither"
