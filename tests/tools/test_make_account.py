"""`manage.py make_account`: the first account, and further ones, with and without a terminal."""

import io
import sys

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tools.management.commands import make_account as command

pytestmark = pytest.mark.django_db

PASSWORD = "a long walk by the sea"


@pytest.fixture
def environment(monkeypatch):
    """No terminal, and everything told by the environment."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for name, value in (("NAME", "ana"), ("EMAIL", "ana@example.org"), ("PASSWORD", PASSWORD)):
        monkeypatch.setenv(f"ACCOUNT_{name}", value)
    monkeypatch.delenv("ACCOUNT_GROUP", raising=False)
    return monkeypatch


@pytest.fixture
def terminal(monkeypatch):
    """Somebody who answers one question after the other."""

    def say(*answers, passwords=(PASSWORD, PASSWORD)):
        waiting, secrets = iter(answers), iter(passwords)
        stdin = io.StringIO()
        stdin.isatty = lambda: True
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr("builtins.input", lambda question: next(waiting))
        monkeypatch.setattr(command, "getpass", lambda question: next(secrets))

    for name in ("NAME", "EMAIL", "PASSWORD", "GROUP"):
        monkeypatch.delenv(f"ACCOUNT_{name}", raising=False)
    return say


def make_account(**options):
    out = io.StringIO()
    call_command("make_account", stdout=out, **options)
    return out.getvalue()


def test_the_first_account_may_do_everything_and_is_told_where_to_log_in(environment):
    said = make_account()
    assert said == (
        f"Made the account ana, which may do everything. Log in at {settings.SITE_URL}/admin/\n"
    )
    account = User.objects.get()
    assert account.is_superuser
    assert account.is_staff
    assert account.email == "ana@example.org"
    assert account.check_password(PASSWORD)


def test_a_further_account_has_a_group(environment):
    make_account()
    environment.setenv("ACCOUNT_NAME", "eve")
    with pytest.raises(CommandError, match="ACCOUNT_GROUP is not set"):
        make_account()
    assert "is in the group Editor" in make_account(group="Editor")
    account = User.objects.get(username="eve")
    assert not account.is_superuser
    assert [group.name for group in account.groups.all()] == ["Editor"]


def test_a_second_one_may_do_everything_where_that_is_said(environment):
    make_account()
    make_account(name="eve", group="everything")
    assert User.objects.get(username="eve").is_superuser


def test_an_unknown_group_is_told_with_those_that_there_are(environment):
    with pytest.raises(CommandError, match="Administrator, Author, Editor, Publisher"):
        make_account(group="Boss")
    assert not User.objects.exists()


def test_an_account_that_exists_is_left_as_it_is(environment):
    make_account()
    environment.setenv("ACCOUNT_PASSWORD", "another long walk")
    with pytest.raises(CommandError, match="There is an account ana already"):
        make_account()
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("PASSWORD", "short", "password: .*at least 12 characters"),
        ("EMAIL", "nowhere", "email: Enter a valid email address"),
        ("NAME", "a b", "name: Enter a valid username"),
    ],
)
def test_what_breaks_a_rule_is_told(environment, variable, value, complaint):
    environment.setenv(f"ACCOUNT_{variable}", value)
    with pytest.raises(CommandError, match=complaint):
        make_account()
    assert not User.objects.exists()


@pytest.mark.parametrize("variable", ["NAME", "EMAIL", "PASSWORD"])
def test_without_a_terminal_what_is_missing_is_named(environment, variable):
    environment.delenv(f"ACCOUNT_{variable}")
    with pytest.raises(CommandError, match=f"ACCOUNT_{variable} is not set"):
        make_account()


def test_at_a_terminal_it_asks(terminal):
    terminal("ana", "")
    assert "Made the account ana" in make_account()
    terminal("eve", "eve@example.org", "Author")
    said = make_account()
    assert "Author: writes drafts" in said
    assert "is in the group Author" in said


def test_two_passwords_that_differ_make_no_account(terminal):
    terminal("ana", "", passwords=(PASSWORD, "another long walk"))
    with pytest.raises(CommandError, match="differ"):
        make_account()
    assert not User.objects.exists()
