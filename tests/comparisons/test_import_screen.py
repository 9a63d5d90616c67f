"""The import page of the desk: what it shows, what it writes, and what it answers to bad input."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from comparisons.catalog import uploads
from comparisons.catalog.changes import Changes
from comparisons.catalog.importing import import_document
from comparisons.models import Upload
from reviews.models import Revision
from tests import cast
from tools.models import Act, Tool, Vendor

pytestmark = pytest.mark.django_db

PAGE = "/admin/import/"


def document(tools=1, **more):
    return {
        "format": "shiporskip/1",
        "categories": [{"slug": "agents", "name": "Agents"}],
        "vendors": [{"slug": "forge", "name": "Forge"}],
        "tools": [
            {
                "slug": f"anvil-{number}", "name": f"Anvil {number}", "vendor": "forge",
                "category": "agents", "plans": [{"label": "Free", "kind": "free"}],
                "reviews": [{"persona": "builder", "verdict": "ship", "body": "It works."}],
            }
            for number in range(tools)
        ],
    } | more  # fmt: skip


def member(group, name=None):
    user = User.objects.create(username=name or group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.fixture
def editor(client):
    user = member("Editor")
    client.force_login(user)
    return user


def send(client, content, name="tools.json", page=PAGE):
    """Upload a file, and answer with what the browser shows then."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return client.post(page, {"document": SimpleUploadedFile(name, data)}, follow=True)


def text(answer):
    """What the page says, without its head and with single spaces."""
    page = re.sub(r"<[^>]+>", " ", answer.content.decode().split("<body", 1)[1])
    return re.sub(r"\s+", " ", page).replace("&quot;", '"').replace("&#x27;", "'")


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def test_an_upload_shows_what_it_would_do_and_writes_nothing(client, editor):
    answer = send(client, document(tools=2))
    words = text(answer)
    for group in ("1 category to add", "2 tools to add", "2 plans to add", "2 reviews to add"):
        assert group in words
    assert "anvil-1/builder" in words
    assert not Tool.objects.exists()
    assert not Act.objects.exists()


def test_applying_writes_it_in_the_editors_name_and_forgets_the_upload(client, editor):
    upload = send(client, document()).context["upload"]
    answer = client.post(f"{PAGE}{upload.pk}/", follow=True)
    assert said(answer) == ["Added 1 category, 1 vendor, 1 tool, 1 plan, 1 review."]
    assert Tool.objects.get().slug == "anvil-0"
    assert {act.by for act in Act.objects.all()} == {"editor"}
    assert Revision.objects.get().by == "editor"
    assert not Upload.objects.exists()


def test_what_is_applied_is_what_was_uploaded_byte_for_byte(client, editor):
    data = json.dumps(document(), indent=3).encode("utf-8-sig")
    send(client, data)
    assert bytes(Upload.objects.get().document) == data


def test_a_change_says_what_changes(client, editor):
    import_document(document(), Changes())
    changed = document(vendors=[{"slug": "forge", "name": "Forge & Sons"}])
    words = text(send(client, changed))
    assert "1 vendor to change" in words
    assert "name changed" in words
    assert "to add" not in words


def test_what_is_here_already_needs_no_applying(client, editor):
    import_document(document(), Changes())
    assert said(send(client, document())) == ["“tools.json” says what is here already."]
    assert not Upload.objects.exists()


def test_a_long_list_is_cut_and_counted(client, editor, monkeypatch):
    monkeypatch.setattr(uploads, "SHOWN", 3)
    words = text(send(client, document(tools=5)))
    assert "anvil-2" in words
    assert "anvil-3" not in words
    assert "and 2 more" in words


def test_every_error_is_told_with_its_place_and_nothing_is_kept(client, editor):
    wrong = document(tools=2)
    wrong["tools"][1]["reviews"][0]["score"] = 140
    wrong["tools"][0]["vendor"] = "nobody"
    answer = send(client, wrong)
    assert "2 errors. Nothing was written." in text(answer)
    assert answer.context["problems"] == [
        'tools[0].vendor: "nobody" is no vendor of the document or the database',
        "tools[1].reviews[0].score: 140 is not between 0 and 100",
    ]
    assert not Upload.objects.exists()


def test_a_history_that_cannot_be_is_an_error_with_its_place(client, editor):
    wrong = document()
    wrong["tools"][0]["reviews"] += [
        {"persona": "builder", "verdict": "skip", "body": "No.", "status": "draft"}
    ]
    assert send(client, wrong).context["problems"] == [
        "tools[0].reviews[1].status: What is published cannot become draft."
    ]


def test_a_document_of_nothing_but_errors_is_not_told_to_its_end(client, editor):
    answer = send(client, document() | {"tools": [{}] * 100_000})
    assert len(answer.context["problems"]) == 200
    assert "More than 200 errors" in text(answer)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"hello", "“tools.json” is not JSON: Expecting value at line 1, column 1."),
        (b'{"format": "\xff"}', "“tools.json” is not UTF-8: byte 0xff at line 1, column 13."),
        (b"\x00\x00", "“tools.json” is not JSON"),
        (b"", "This file is empty."),
        (b"[" * 500_000, "“tools.json” is nested too deeply."),
        (b'{"format": ' * 500_000, "“tools.json” is nested too deeply."),
        (b"1" * 5_000, "“tools.json” holds a number that is too long to read."),
    ],
)
def test_a_file_that_is_no_document_comes_back_with_the_reason(client, editor, content, complaint):
    answer = send(client, content)
    assert answer.status_code == 200
    assert complaint in " ".join(answer.context["form"].errors["document"])


@pytest.mark.parametrize("content", [b"[]", b"null", b'"x"', b"[" * 100 + b"]" * 100, b"{}"])
def test_json_that_is_no_document_is_told_what_is_missing(client, editor, content):
    assert send(client, content).context["problems"]


def test_no_file_at_all_is_told_beside_the_field(client, editor):
    answer = client.post(PAGE, {})
    assert answer.context["form"].errors["document"] == ["Choose a file."]


def test_a_file_of_fifty_megabytes_is_refused_unread(client, editor):
    assert send(client, b" " * (50 * 1024 * 1024)).status_code == 413


def test_a_file_that_is_somewhat_too_large_is_answered_and_not_kept(client, editor):
    answer = send(client, b" " * (12 * 1024 * 1024))
    assert answer.status_code == 200
    (complaint,) = answer.context["form"].errors["document"]
    assert complaint.startswith("This file is larger than 8 MB.")
    assert "import_catalog" in complaint


def test_a_file_name_may_hold_anything(client, editor):
    answer = send(client, document(), name="<b>ü" + "x" * 300 + ".json")
    assert answer.status_code == 200
    assert "<b>ü" not in answer.content.decode()


def test_what_takes_too_long_is_stopped_and_undone(client, editor, monkeypatch):
    monkeypatch.setattr(uploads, "LOOKING", -1)
    answer = send(client, document())
    assert "takes too long for a page" in " ".join(answer.context["form"].errors["document"])
    monkeypatch.undo()
    upload = send(client, document()).context["upload"]
    monkeypatch.setattr(uploads, "APPLYING", -1)
    answer = client.post(f"{PAGE}{upload.pk}/", follow=True)
    assert "takes too long for a page" in said(answer)[0]
    assert not Tool.objects.exists()
    assert Upload.objects.exists()


def test_applying_twice_writes_once_and_says_so(client, editor):
    upload = send(client, document()).context["upload"]
    client.post(f"{PAGE}{upload.pk}/")
    answer = client.post(f"{PAGE}{upload.pk}/", follow=True)
    assert "it has been applied" in said(answer)[-1]
    assert Revision.objects.count() == 1


def test_somebody_elses_upload_can_be_neither_seen_nor_applied(client, editor):
    upload = send(client, document()).context["upload"]
    client.force_login(member("Editor", "another"))
    for answer in (
        client.get(f"{PAGE}{upload.pk}/", follow=True),
        client.post(f"{PAGE}{upload.pk}/", follow=True),
    ):
        assert "uploaded by somebody else" in said(answer)[-1]
    assert not Tool.objects.exists()


def test_an_upload_expires_after_a_day(client, editor):
    upload = send(client, document()).context["upload"]
    Upload.objects.update(uploaded_at=timezone.now() - timedelta(days=1, seconds=1))
    answer = client.post(f"{PAGE}{upload.pk}/", follow=True)
    assert "has waited for more than a day" in said(answer)[0]
    assert not Tool.objects.exists()
    assert not Upload.objects.exists(), "the next look at the page forgets it"


def test_the_nightly_command_forgets_old_uploads(client, editor, capsys):
    send(client, document())
    call_command("forget_expired")
    assert Upload.objects.count() == 1
    Upload.objects.update(uploaded_at=timezone.now() - timedelta(days=2))
    call_command("forget_expired")
    assert not Upload.objects.exists()


def test_what_somebody_wrote_meanwhile_is_shown_before_anything_is_written(client, editor):
    upload = send(client, document()).context["upload"]
    Vendor.objects.create(slug="forge", name="Forge of old")
    answer = client.post(f"{PAGE}{upload.pk}/", follow=True)
    assert "Somebody changed the catalog meanwhile" in said(answer)[0]
    assert "1 vendor to change" in text(answer)
    assert not Tool.objects.exists()
    answer = client.post(f"{PAGE}{upload.pk}/", follow=True)
    assert "Changed 1 vendor." in said(answer)[0]
    assert Tool.objects.exists()


def test_what_has_become_wrong_meanwhile_is_told_with_its_place(client, editor):
    cast.make_tool("alpha")
    entry = {"slug": "alpha", "name": "Alpha", "vendor": "acme", "category": "developer-tools"}
    upload = send(client, {"format": "shiporskip/1", "tools": [entry | {"tagline": "New"}]})
    Tool.objects.all().delete()
    Vendor.objects.all().delete()
    answer = client.post(f"{PAGE}{upload.context['upload'].pk}/")
    assert answer.context["problems"][0].startswith("tools[0].vendor:")


@pytest.mark.parametrize("group", ["Author", "Publisher"])
def test_who_may_not_publish_may_not_import_by_any_road(client, editor, group):
    upload = send(client, document()).context["upload"]
    user = member(group)
    client.force_login(user)
    Upload.objects.update(user=user)
    for answer in (
        client.get(PAGE),
        send(client, document()),
        client.get(f"{PAGE}{upload.pk}/"),
        client.post(f"{PAGE}{upload.pk}/"),
    ):
        assert answer.status_code == 403
        assert "Your account has no permission for it." in answer.content.decode()
    with pytest.raises(PermissionDenied):
        import_document(document(), Changes(), by=user)
    assert not Tool.objects.exists()
    assert PAGE not in client.get("/admin/comparisons/comparison/").content.decode()


def test_who_may_import_finds_the_page_from_the_desk(client, editor):
    assert PAGE in client.get("/admin/").content.decode()


def test_without_an_account_there_is_only_the_log_in(client):
    answer = client.get(PAGE)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_a_form_from_elsewhere_is_refused(editor):
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    assert send(client, document()).status_code == 403
    assert not Upload.objects.exists()


def test_other_methods_are_not_allowed(client, editor):
    assert client.put(PAGE).status_code == 405
    assert client.delete(f"{PAGE}1/").status_code == 405
