"""The mail in frames on the desk: its real bytes, in light and in dark, and nothing it could do."""

import pytest

from comparisons.digest.desk.frames import Parts, in_light
from comparisons.digest.messages import Letter
from comparisons.digest.models import Edition
from tests.conftest import Page
from tests.digest import desk
from tests.digest.desk import LIST, member, page_of

pytestmark = pytest.mark.django_db


def frame(edition, look):
    return f"{LIST}{edition.pk}/{look}/frame/"


def policy_of(answer):
    pieces = answer.headers["Content-Security-Policy"].split(";")
    return {name: values for name, *values in (piece.split() for piece in pieces)}


def test_the_page_frames_every_way_of_looking_at_the_mail():
    client, edition = member("Editor"), desk.draft()
    page = Page(client.get(page_of(edition)))
    frames = page.tree.cssselect("iframe")
    assert [one.get("src").split("?")[0] for one in frames] == [
        frame(edition, look) for look in ("light", "dark", "narrow", "text")
    ]
    assert all(one.get("title") for one in frames)
    assert {one.get("sandbox") for one in frames} == {"allow-popups allow-popups-to-escape-sandbox"}
    for one in frames:
        assert client.get(one.get("src")).status_code == 200


def test_only_the_pages_with_frames_may_frame():
    client, edition = member("Editor"), desk.draft()
    assert policy_of(client.get(page_of(edition)))["frame-src"] == ["'self'"]
    for address in ("/admin/", LIST):
        assert "frame-src" not in policy_of(client.get(address))


@pytest.mark.parametrize("look", ["light", "dark", "narrow", "text"])
def test_what_is_framed_is_sandboxed_and_only_this_site_may_frame_it(look):
    answer = member("Editor").get(frame(desk.draft(), look))
    policy = policy_of(answer)
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'self'"]
    assert policy["style-src"] == ["'unsafe-inline'"]
    assert "script-src" not in policy
    assert "allow-scripts" not in policy["sandbox"]
    assert "allow-same-origin" not in policy["sandbox"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_frame_has_the_parts_of_the_mails_own_bytes():
    client, edition = member("Editor"), desk.draft()
    message = Letter.of(edition, ()).email_for("mira@example.org", None).message()
    parts = Parts.of(message.as_bytes(linesep="\r\n"))
    text = client.get(frame(edition, "text"))
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.content.decode().split() == parts.text.split()
    assert "Alpha" in parts.text
    html = client.get(frame(edition, "light")).content.decode()
    assert html == in_light(parts.html, is_dark=False)
    assert html.count("<base target=") == 1


def test_dark_turns_the_mails_dark_rules_on_and_light_turns_them_off():
    html = (
        '<html><head><meta name="color-scheme" content="light dark"><style>'
        ":root{color-scheme:light dark}"
        "@media (prefers-color-scheme: dark){a{color:white}}"
        "@media screen and (prefers-color-scheme:light){a{color:black}}</style></head></html>"
    )
    dark, light = in_light(html, is_dark=True), in_light(html, is_dark=False)
    assert "@media (min-width: 0){a{color:white}}" in dark
    assert "@media screen and (max-width: 0){a{color:black}}" in dark
    assert 'content="dark"' in dark
    assert "{color-scheme:only dark}" in dark
    assert "@media (max-width: 0){a{color:white}}" in light
    assert "@media screen and (min-width: 0){a{color:black}}" in light
    assert 'content="light"' in light


def test_the_real_mail_looks_different_in_the_dark():
    client, edition = member("Editor"), desk.draft()
    light, dark = (client.get(frame(edition, look)).content.decode() for look in ("light", "dark"))
    assert "prefers-color-scheme" not in light + dark
    assert "(min-width: 0)" in dark
    assert light != dark


def test_a_frame_of_a_page_that_is_too_old_says_so_instead_of_showing_another_mail():
    client, edition = member("Editor"), desk.draft()
    page = Page(client.get(page_of(edition)))
    address = page.tree.cssselect("iframe")[0].get("src")
    Edition.objects.update(intro="Something else.")
    answer = client.get(address)
    assert answer.status_code == 409
    assert "has changed since the page was opened" in answer.content.decode()


def test_what_was_frozen_is_what_is_shown():
    client, edition = member("Author"), desk.approved()
    Edition.objects.filter(pk=edition.pk).update(status="draft")
    Edition.objects.filter(pk=edition.pk).update(
        html="<p>Frozen.</p>", text="Frozen.", status="approved"
    )
    assert "Frozen." in client.get(frame(edition, "light")).content.decode()
    assert "Frozen." in client.get(frame(edition, "text")).content.decode()
    page = Page(client.get(page_of(edition)))
    for one in page.tree.cssselect("iframe"):
        assert client.get(one.get("src")).status_code == 200


@pytest.mark.parametrize("look", ["sepia", "LIGHT", "text%00"])
def test_a_look_that_is_none_is_not_found(look):
    assert member("Editor").get(frame(desk.draft(), look)).status_code == 404


def test_a_frame_is_for_those_who_may_see_editions(client):
    edition = desk.draft()
    assert client.get(frame(edition, "light")).status_code == 302
    assert member("Author").get(frame(edition, "light")).status_code == 200


@pytest.mark.parametrize(
    "lines",
    [
        [b""],
        [b"Subject: nothing else", b"", b""],
        [b"Content-Type: text/html; charset=klingon", b"", b"<p>caf\xe9</p>"],
        [b"Content-Type: multipart/alternative", b"", b"no boundary"],
        [
            b"Content-Type: multipart/alternative; boundary=x",
            b"",
            b"--x",
            b"Content-Type: text/plain",
        ],
        [b"\xff\xfe\x00: \x00", b"Content-Transfer-Encoding: base64", b"", b"!!"],
        [
            b"From: =?utf-8?b?!!?=",
            b"To: a@b@c",
            b"Content-Type: message/rfc822",
            b"",
            b"Subject: x",
        ],
    ],
)
def test_whatever_a_mail_is_made_of_is_taken_apart(lines):
    parts = Parts.of(b"\r\n".join(lines))
    for look in parts.looks:
        assert parts.shown(look).status_code == 200
