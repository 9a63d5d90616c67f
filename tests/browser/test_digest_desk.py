"""The digest's pages on the desk in a browser: frames, live progress, and readable by everybody."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from comparisons.digest import editions
from comparisons.digest.models import Edition
from tests.browser.test_desk_look import RULES
from tests.digest.cast import subscriber
from tests.digest.desk import LIST, page_of, unknown

ADDRESSES = [f"reader{number}@example.org" for number in range(10)]


@pytest.fixture
def desk(reader, demo, admin_user):
    page = reader.open("/admin/login/?next=/admin/")
    page.fill("#id_username", admin_user.username)
    page.fill("#id_password", "password")
    page.click("[type=submit]")
    return page


@pytest.fixture
def edition():
    week, _ = editions.next_slot(timezone.now())
    return editions.draft(week, timezone.now() + timedelta(seconds=1))


def start(edition):
    for address in ADDRESSES:
        subscriber(address)
    editions.approve(edition, "mira", None, editions.render(edition).digest)
    editions.start(edition)


def test_the_mail_is_framed_in_light_and_dark_whatever_the_editor_prefers(
    desk, reader, live_server, edition
):
    for scheme in ("light", "dark"):
        desk.emulate_media(color_scheme=scheme)
        desk.goto(live_server.url + page_of(edition))
        grounds = []
        for look in ("light", "dark"):
            element = desk.locator(f".frame-{look} iframe")
            element.scroll_into_view_if_needed()
            body = element.content_frame.locator("body")
            expect(body).to_contain_text(edition.subject)
            grounds.append(body.evaluate("body => getComputedStyle(body).color"))
        assert grounds[0] != grounds[1], scheme
    narrow = desk.locator(".frame-narrow iframe")
    narrow.scroll_into_view_if_needed()
    root = narrow.content_frame.locator("html")
    expect(root).to_contain_text(edition.subject)
    assert root.evaluate("root => [innerWidth, root.scrollWidth]") == [320, 320]
    text = desk.locator(".frame-text iframe")
    text.scroll_into_view_if_needed()
    expect(text.content_frame.locator("body")).to_contain_text(edition.subject)
    assert reader.complaints == []


def test_unsaved_words_are_told_before_something_else_is_done(desk, live_server, edition):
    desk.goto(live_server.url + page_of(edition))
    expect(desk.locator(".unsaved")).to_be_hidden()
    desk.fill("#id_subject", "Another subject")
    expect(desk.locator(".unsaved")).to_be_visible()
    desk.click("button[value=approve]")
    expect(desk.locator("[name=_continue]")).to_be_focused()
    assert Edition.objects.get().status == "draft"
    desk.click("[name=_continue]")
    desk.click("button[value=approve]")
    expect(desk.locator(".messagelist")).to_contain_text("is approved")
    assert Edition.objects.get().subject == "Another subject"


def test_progress_moves_by_itself_and_ends(desk, reader, live_server, edition):
    start(edition)
    desk.goto(live_server.url + page_of(edition))
    figure = desk.locator(".progress-figure strong")
    expect(figure).to_have_text("0%")
    half = edition.deliveries.order_by("pk").values("pk")[:5]
    edition.deliveries.filter(pk__in=half).update(status="sent")
    expect(figure).to_have_text("50%", timeout=15000)
    expect(desk.locator("#progress-said")).to_have_text("50% done, sending.")
    edition.deliveries.update(status="sent")
    editions.finish(edition)
    expect(desk.locator(".progress-figure .stage")).to_have_text("Done", timeout=15000)
    expect(desk.locator("form.act")).to_have_count(0)
    asked = []
    desk.on("request", lambda request: asked.append(request.url))
    desk.wait_for_timeout(5000)
    assert not [address for address in asked if "progress" in address]
    assert reader.complaints == []


def test_a_reason_that_is_being_typed_outlives_a_change_of_stage(desk, live_server, edition):
    start(edition)
    desk.goto(live_server.url + page_of(edition))
    reason = desk.locator("[name=pause-reason]")
    reason.fill("The first line says the wrong year")
    expect(desk.locator(".overtaken")).to_be_hidden()
    edition.deliveries.update(status="sent")
    editions.finish(edition)
    expect(desk.locator(".overtaken")).to_be_visible(timeout=15000)
    expect(reason).to_have_value("The first line says the wrong year")
    desk.click(".overtaken a")
    expect(desk.locator("form.act")).to_have_count(0)


def test_axe_finds_nothing_on_the_digests_pages(desk, live_server, edition):
    drafted = [page_of(edition), LIST, "/admin/"]
    look_at(desk, live_server, drafted)
    start(edition)
    unknown(edition, *edition.deliveries.order_by("pk")[:3])
    person = f"/admin/digest/subscriber/{edition.deliveries.first().subscriber_id}/change/"
    look_at(
        desk,
        live_server,
        [
            page_of(Edition.objects.get()), f"{LIST}{edition.pk}/unknowns/", person,
            *(f"/admin/digest/{name}/" for name in ("subscriber", "delivery", "keptmail")),
            *(f"/admin/digest/suppression/{name}" for name in ("", "add/", "lift/")),
        ],
    )  # fmt: skip


def look_at(desk, live_server, addresses):
    for address in addresses:
        desk.goto(live_server.url + address)
        for width in (360, 1280):
            for scheme in ("light", "dark"):
                desk.set_viewport_size({"width": width, "height": 800})
                desk.emulate_media(color_scheme=scheme)
                found = Axe().run(desk, options=RULES).response["violations"]
                assert not found, (
                    address,
                    width,
                    scheme,
                    [(rule["id"], rule["nodes"][0]["html"]) for rule in found],
                )
            assert desk.evaluate("document.documentElement.scrollWidth") == width, address
