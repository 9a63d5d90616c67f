"""Logging in, how often a wrong password may be tried, and who may change whose account."""

import logging
import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import RequestFactory
from django.utils import timezone

from tests.conftest import Page
from tools.accounts import make_account
from tools.clients import client_address

pytestmark = pytest.mark.django_db

PASSWORD = "a long walk by the sea"
PAGE = "/admin/login/"
HERE, THERE = "203.0.113.5", "198.51.100.9"


@pytest.fixture
def ana():
    return make_account("ana", "ana@example.org", PASSWORD)


def log_in(client, name="ana", password=PASSWORD, address=HERE, **more):
    fields = {"username": name, "password": password}
    return client.post(PAGE, fields, REMOTE_ADDR=address, **more)


def fail(client, times, name="ana", address=HERE, **more):
    return [log_in(client, name, "wrong", address, **more).status_code for _ in range(times)]


def is_in(client):
    return client.get("/admin/").status_code == 200


# Logging in and out


def test_a_password_is_kept_as_argon2(ana):
    assert ana.password.startswith("argon2$argon2id$")


def test_an_older_hash_is_renewed_by_logging_in(client, ana):
    ana.password = make_password(PASSWORD, hasher="pbkdf2_sha256")
    ana.save()
    log_in(client)
    ana.refresh_from_db()
    assert is_in(client)
    assert ana.password.startswith("argon2$")


def test_a_log_in_lasts_a_working_day_and_is_told_to_the_desk_alone(client, ana):
    cookie = log_in(client).cookies["sessionid"]
    assert cookie["max-age"] == 12 * 3600
    assert cookie["path"] == "/admin/"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_logging_out_ends_the_session(client, ana):
    log_in(client)
    assert client.post("/admin/logout/").status_code == 200
    assert not is_in(client)


def test_a_new_password_is_changed_under_the_rules_and_ends_other_sessions(client, ana):
    other = type(client)()
    log_in(other)
    log_in(client)
    fields = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    answer = client.post("/admin/password_change/", fields)
    assert "at least 12 characters" in answer.content.decode()
    fields |= {"new_password1": "another walk by a lake", "new_password2": "another walk by a lake"}
    assert client.post("/admin/password_change/", fields).status_code == 302
    assert is_in(client)
    assert not is_in(other)


# Wrong passwords


def test_five_wrong_passwords_lock_the_account_for_this_client(client, ana):
    assert fail(client, 5) == [200, 200, 200, 200, 429]
    answer = log_in(client)
    assert answer.status_code == 429, "not even the right one is looked at"
    assert not is_in(client)
    words = re.sub(r"\s+", " ", answer.content.decode())
    assert "<h1>Too many wrong passwords</h1>" in words
    assert re.search(r"Try again in 1[45] minutes, after \d\d:\d\d UTC", words)
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_another_client_still_gets_in(client, ana):
    fail(client, 5)
    assert log_in(client, address=THERE).status_code == 302


def test_another_account_still_gets_in_from_this_client(client, ana):
    fail(client, 5, "bob")
    assert log_in(client).status_code == 302


def test_a_client_that_tries_many_accounts_is_locked_out_of_all(client, ana):
    for number in range(5):
        fail(client, 5, f"guess-{number}")
    assert log_in(client).status_code == 429
    assert log_in(client, address=THERE).status_code == 302


def test_the_right_password_forgets_the_wrong_ones(client, ana):
    fail(client, 4)
    log_in(client)
    assert fail(client, 4) == [200] * 4


def test_ones_own_password_does_not_help_with_the_accounts_of_others(client, ana):
    fail(client, 4, "bob")
    log_in(client)
    assert fail(client, 1, "bob") == [429]


def test_trying_on_does_not_put_the_end_off_and_after_it_the_password_counts(client, ana):
    fail(client, 5)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    assert fail(client, 1) == [429]
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert log_in(client).status_code == 302


def test_a_made_up_forwarded_address_is_not_believed(client, ana):
    for number in range(5):
        fail(client, 1, headers={"X-Forwarded-For": f"192.0.2.{number}"})
    assert log_in(client, headers={"X-Forwarded-For": "192.0.2.99"}).status_code == 429


def test_behind_a_proxy_only_what_it_adds_is_believed(client, ana, settings):
    settings.PROXY_COUNT = 1
    for number in range(5):
        fail(client, 1, headers={"X-Forwarded-For": f"192.0.2.{number}, {HERE}"})
    forged = {"X-Forwarded-For": f"192.0.2.99, {HERE}"}
    assert log_in(client, headers=forged).status_code == 429
    assert log_in(client, headers={"X-Forwarded-For": THERE}).status_code == 302


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "address"),
    [
        (0, "192.0.2.1", HERE, HERE),
        (1, "192.0.2.1", HERE, "192.0.2.1"),
        (1, "192.0.2.1, 192.0.2.2", HERE, "192.0.2.2"),
        (2, "192.0.2.1, 192.0.2.2", HERE, "192.0.2.1"),
        (3, "192.0.2.1, 192.0.2.2", HERE, HERE),
        (1, "nonsense", HERE, HERE),
        (1, "", HERE, HERE),
        (0, "", "", None),
        (0, "", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (0, "", "::ffff:203.0.113.5", HERE),
    ],
)
def test_the_address_of_a_client(settings, proxies, forwarded, remote, address):
    settings.PROXY_COUNT = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR=remote)
    assert client_address(request) == address


def test_neither_name_nor_password_nor_browser_is_kept_and_nothing_is_told_to_the_log(
    client, ana, caplog
):
    with caplog.at_level(logging.DEBUG):
        fail(client, 5, headers={"User-Agent": "Secret/1.0", "Accept": "text/secret"})
        fail(client, 1, "my password")
        log_in(client, address=THERE)
    kept = " ".join(str(value) for row in AccessAttempt.objects.values() for value in row.values())
    for secret in ("wrong", "ana", "my password", "Secret/1.0", "text/secret"):
        assert secret not in kept
    for secret in (HERE, THERE, "Secret/1.0", "ana@"):
        assert secret not in caplog.text


def test_the_nightly_command_forgets_who_tried(client, ana, capsys):
    fail(client, 5)
    call_command("forget_expired")
    assert log_in(client).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    call_command("forget_expired")
    assert not AccessAttempt.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 300, "a\x00b", "ünï", "'; --"])
def test_whatever_the_name_is_a_wrong_log_in_is_answered(client, ana, name):
    assert log_in(client, name).status_code == 200


# Making accounts


@pytest.mark.parametrize(
    ("name", "email", "password", "field"),
    [
        ("bob", "", "elevenchars", "password"),
        ("bob", "", "password1234", "password"),
        ("bob", "", "123456789012", "password"),
        ("bob", "no address", PASSWORD, "email"),
        ("b ob", "", PASSWORD, "username"),
        ("", "", PASSWORD, "username"),
        ("ana", "", PASSWORD, "username"),
    ],
)
def test_an_account_keeps_to_the_rules(ana, name, email, password, field):
    with pytest.raises(ValidationError) as failure:
        make_account(name, email, password)
    assert field in failure.value.message_dict
    assert User.objects.count() == 1


# Who may change whose account


def member(group, name):
    return make_account(name, "", PASSWORD, Group.objects.get(name=group))


@pytest.fixture
def boss(client):
    """An administrator, logged in."""
    user = member("Administrator", "boss")
    client.force_login(user)
    return user


def change(client, account, **fields):
    fields = {"username": account.username, "is_active": "on"} | fields
    return client.post(f"/admin/auth/user/{account.pk}/change/", fields)


def group(name):
    return Group.objects.get(name=name).pk


def test_an_administrator_makes_an_editor_who_may_enter(client, boss):
    page = client.get("/admin/auth/user/add/").content.decode()
    assert "Author: writes drafts" in page
    fields = {
        "username": "eve", "email": "", "password1": PASSWORD, "password2": PASSWORD,
        "groups": [group("Editor")], "is_superuser": "on",
    }  # fmt: skip
    assert client.post("/admin/auth/user/add/", fields).status_code == 302
    eve = User.objects.get(username="eve")
    assert [row.name for row in eve.groups.all()] == ["Editor"]
    assert not eve.is_superuser
    client.logout()
    log_in(client, "eve")
    assert is_in(client)


def test_an_administrator_can_make_nobody_a_superuser(client, boss):
    page = client.get(f"/admin/auth/user/{boss.pk}/change/").content.decode()
    assert "is_superuser" not in page
    assert "user_permissions" not in page
    permission = Permission.objects.get(codename="delete_group")
    more = {"is_superuser": "on", "user_permissions": [permission.pk]}
    for account in (boss, member("Author", "eve")):
        kept = [row.pk for row in account.groups.all()]
        assert change(client, account, groups=kept, **more).status_code == 302
        account.refresh_from_db()
        assert not account.is_superuser
        assert not account.user_permissions.exists()


def test_an_administrator_gives_nobody_more_than_they_have(client, boss):
    owners = Group.objects.create(name="Owners")
    owners.permissions.add(Permission.objects.get(codename="delete_group"))
    assert "Owners" not in client.get(f"/admin/auth/user/{boss.pk}/change/").content.decode()
    answer = change(client, boss, groups=[owners.pk])
    assert "groups" in answer.context["adminform"].form.errors
    assert [row.name for row in boss.groups.all()] == ["Administrator"]


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("power", ["superuser", "permission", "group"])
def test_an_administrator_does_not_get_at_an_account_that_may_do_more(client, boss, power, active):
    mighty = make_account("mighty", "", PASSWORD, Group.objects.get(name="Author"))
    permission = Permission.objects.get(codename="delete_group")
    if power == "permission":
        mighty.user_permissions.add(permission)
    elif power == "group":
        owners = Group.objects.create(name="Owners")
        owners.permissions.add(permission)
        mighty.groups.add(owners)
    User.objects.filter(pk=mighty.pk).update(
        is_active=active, is_superuser=power == "superuser", email="mighty@example.org"
    )
    new = {"password1": "mine from here on", "password2": "mine from here on"}
    address = f"/admin/auth/user/{mighty.pk}"
    assert change(client, mighty, email="boss@example.org").status_code == 403
    assert client.post(f"{address}/password/", new).status_code == 403
    assert client.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    fields = {"action": "delete_selected", "_selected_action": [mighty.pk], "post": "yes"}
    assert client.post("/admin/auth/user/", fields).status_code == 403
    mighty.refresh_from_db()
    assert mighty.email == "mighty@example.org"
    assert mighty.check_password(PASSWORD)


def test_an_administrator_sets_a_new_password_for_an_editor(client, boss):
    eve = member("Editor", "eve")
    new = {
        "password1": "mine from here on", "password2": "mine from here on",
        "usable_password": "true", "set-password": "x",
    }  # fmt: skip
    assert client.post(f"/admin/auth/user/{eve.pk}/password/", new).status_code == 302
    eve.refresh_from_db()
    assert eve.check_password("mine from here on")


def test_a_superuser_may_give_everything(admin_client):
    eve = member("Editor", "eve")
    assert "is_superuser" in admin_client.get(f"/admin/auth/user/{eve.pk}/change/").content.decode()
    assert change(admin_client, eve, is_superuser="on").status_code == 302
    eve.refresh_from_db()
    assert eve.is_superuser
    assert eve.is_staff


@pytest.mark.parametrize("name", ["Author", "Editor", "Publisher"])
def test_others_do_not_see_accounts(client, name):
    user = member(name, "eve")
    client.force_login(user)
    assert client.get("/admin/auth/user/").status_code == 403
    assert change(client, user, is_superuser="on").status_code == 403


def test_nobody_deletes_the_account_they_are_using(admin_client, admin_user):
    answer = admin_client.post(f"/admin/auth/user/{admin_user.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403
    assert User.objects.filter(pk=admin_user.pk).exists()


def test_an_account_that_has_changed_something_is_made_inactive_and_not_deleted(admin_client):
    eve, idle = member("Editor", "eve"), member("Editor", "idle")
    LogEntry.objects.create(user=eve, object_repr="Alpha", action_flag=CHANGE)
    for account, answer in ((eve, 403), (idle, 302)):
        address = f"/admin/auth/user/{account.pk}/delete/"
        assert admin_client.post(address, {"post": "yes"}).status_code == answer
    fields = {"action": "delete_selected", "_selected_action": [eve.pk], "post": "yes"}
    assert admin_client.post("/admin/auth/user/", fields).status_code == 403
    page = Page(admin_client.get(f"/admin/auth/user/{eve.pk}/change/"))
    assert "Make it inactive instead" in page.text
    assert not page.all(".deletelink")
    assert LogEntry.objects.get(object_repr="Alpha").user == eve
    assert not User.objects.filter(username="idle").exists()


def test_accounts_are_listed_in_a_constant_number_of_queries(
    admin_client, django_assert_max_num_queries
):
    for number in range(12):
        member("Editor", f"eve-{number}")
    with django_assert_max_num_queries(9):
        assert admin_client.get("/admin/auth/user/").status_code == 200
