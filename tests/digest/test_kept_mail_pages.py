"""Kept mail on the desk: the list, and a mail as it would have arrived."""

import pytest
from django.core import mail

from comparisons.digest.outbox import KeptMail
from tests.conftest import Page
from tests.digest.desk import member

pytestmark = pytest.mark.django_db

LIST = "/admin/digest/keptmail/"


@pytest.fixture
def kept(settings):
    settings.EMAIL_BACKEND = "comparisons.digest.outbox.KeepingBackend"
    message = mail.EmailMultiAlternatives(
        "Café <b>open</b>", "As text.", "Site <digest@example.org>", ["ada@example.org"]
    )
    html = "<html><head></head><body><a href='/x'>As html</a><script>1</script></body></html>"
    message.attach_alternative(html, "text/html")
    message.send()
    return KeptMail.objects.get()


def test_the_list_says_that_nothing_is_sent(kept):
    page = Page(member("Editor").get(LIST))
    assert page.one("th.field-subject") == "Café <b>open</b>"
    assert page.one(".field-recipient") == "ada@example.org"
    assert "Nothing is sent anywhere." in page.one(".note-warning")


def test_the_list_says_so_when_mail_leaves_by_now(kept, settings):
    settings.DIGEST_IS_SENT = True
    assert "nothing more is kept here" in Page(member("Editor").get(LIST)).one(".note")


def test_a_mail_is_shown_with_headers_html_and_text(kept):
    client = member("Editor")
    page = Page(client.get(f"{LIST}{kept.pk}/change/"))
    headers = dict(zip(page.all(".facts dt"), page.all(".facts dd"), strict=True))
    assert headers["Subject"] == "Café <b>open</b>"
    assert headers["To"] == "ada@example.org"
    assert list(headers)[:3] == ["From", "To", "Subject"]
    html = client.get(f"{LIST}{kept.pk}/light/frame/")
    assert "As html" in html.content.decode()
    assert "sandbox allow-popups" in html.headers["Content-Security-Policy"]
    assert client.get(f"{LIST}{kept.pk}/text/frame/").content.decode().strip() == "As text."


def test_it_is_read_only_and_for_editors(kept, admin_client):
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{kept.pk}/change/", {"subject": "x"}).status_code == 403
    for group in ("Author", "Publisher"):
        client = member(group)
        assert client.get(LIST).status_code == 403
        assert client.get(f"{LIST}{kept.pk}/light/frame/").status_code == 403


@pytest.mark.parametrize("place", ["999/light/frame/", "{}/sepia/frame/"])
def test_what_is_not_there_is_not_found(kept, place):
    assert member("Editor").get(LIST + place.format(kept.pk)).status_code == 404
