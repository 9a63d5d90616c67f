"""What the pages on privacy and on method promise, held against the code."""

import pytest
from django.conf import settings

from reviews import ranking, screening, tallies
from reviews.duels import DuelTally
from reviews.retention import ADDRESS_HASH, VOTER_COOKIE
from reviews.votes import Tally
from tests import cast

pytestmark = pytest.mark.django_db


def test_privacy_says_for_how_long_in_the_codes_own_figures(site):
    page = site.get("/privacy/")
    assert page.one("h1") == "Privacy"
    assert f"keeps it for {VOTER_COOKIE.days} days or until you delete it" in page.text
    assert f"Kept for {ADDRESS_HASH.days} days." in page.text
    assert f"for {settings.SESSION_COOKIE_AGE // 3600} hours" in page.text


def test_the_figures_are_not_written_into_the_page(site, monkeypatch):
    monkeypatch.setattr("reviews.retention.ADDRESS_HASH", 3 * ADDRESS_HASH)
    assert f"Kept for {3 * ADDRESS_HASH.days} days." in site.get("/privacy/").text


def test_privacy_names_the_job_that_deletes(site):
    assert "purge_votes" in site.get("/privacy/").all("code")


def test_every_page_and_the_sitemap_lead_to_privacy(site, client):
    assert "/privacy/" in site.get("/").links("footer a")
    assert "/privacy/</loc>" in client.get("/sitemap-pages.xml").content.decode()


@pytest.mark.parametrize("address", ["/privacy/", "/methodology/", "/"])
def test_reading_sets_no_cookie(client, address):
    assert not client.get(address).cookies


def test_the_methodology_says_how_votes_are_counted_and_screened(site):
    text = site.get("/methodology/").text
    assert f"Below {tallies.ENOUGH} votes we give their number and no share" in text
    assert f"z = {tallies.Z:.2f}" in text
    assert f"more than {screening.HOUSEHOLD} from one address" in text
    assert f"more than {screening.ADDRESS_LIMIT} of one kind come from one address" in text
    assert f"{screening.BURST} on one subject were cast within 10 minutes" in text
    assert f"of the newest {screening.FLOOD} on one subject within 1 hour, 95% or more" in text
    assert f"takes part from {ranking.ENOUGH} choices on" in text
    assert f"{ranking.RESAMPLES} random resamples" in text


@pytest.mark.parametrize(
    ("on_tool", "on_pair", "said"),
    [(0, 0, "0 votes wait"), (1, 0, "1 vote waits"), (1200, 34, "1,234 votes wait")],
)
def test_the_methodology_counts_what_waits_in_quarantine(site, on_tool, on_pair, said):
    one, two = cast.make_tool("one"), cast.make_tool("two")
    Tally.objects.create(tool=one, quarantined=on_tool)
    DuelTally.objects.create(left=one, right=two, quarantined=on_pair)
    assert f"{said} in quarantine now." in site.get("/methodology/").text
