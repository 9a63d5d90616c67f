"""The suppressed addresses out and in again: nobody who left is written to after a move."""

import io
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from comparisons.digest import suppressions
from comparisons.digest.addresses import fingerprint, fingerprints
from comparisons.digest.consent import answer_sign_ups, ask
from comparisons.digest.models import Standing, Subscriber, Suppression
from tests.digest import cast
from tests.digest.cast import ADA

pytestmark = pytest.mark.django_db
HEADER = "fingerprint,reason,suppressed_at\n"
MARK = "a" * 64


def exported():
    out = io.StringIO()
    call_command("export_subscribers", "--suppressions", stdout=out)
    return out.getvalue()


def head():
    """The lines that every file of this site begins with."""
    [key] = fingerprints(suppressions._NOBODY)
    return f"{HEADER}{key.hex()},key,\n"


@pytest.fixture
def take(tmp_path):
    """Import a text and return what was said; or the errors and the last sentence."""

    def take(text, *options):
        path, out, err = tmp_path / "suppressions.csv", io.StringIO(), io.StringIO()
        path.write_text(text)
        options = ("--suppressions", *options)
        try:
            call_command("import_subscribers", str(path), *options, stdout=out, stderr=err)
        except CommandError as error:
            return [*err.getvalue().splitlines(), str(error)]
        assert err.getvalue() == ""
        return out.getvalue()

    return take


def test_what_goes_out_comes_in_again_the_same_and_twice_is_as_once(take):
    for number, reason in enumerate(("bounced", "complained", "deleted", "asked")):
        cast.suppress(f"a{number}@example.org", reason)
    columns = ("fingerprint", "reason", "suppressed_at")
    before = [(bytes(row[0]), *row[1:]) for row in Suppression.objects.values_list(*columns)]
    text = exported()
    Suppression.objects.all().delete()
    assert take(text) == "Suppressed 4 addresses.\n"
    after = [(bytes(row[0]), *row[1:]) for row in Suppression.objects.values_list(*columns)]
    assert after == before
    assert take(text) == "Suppressed 0 addresses. 4 were suppressed already.\n"


def test_an_export_holds_no_address():
    cast.suppress(ADA)
    assert "@" not in exported()


def test_after_a_move_to_another_key_nobody_who_is_suppressed_gets_mail(take, settings):
    cast.suppress(ADA, "deleted")
    text = exported()
    Suppression.objects.all().delete()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "of the new machine"
    assert take(text) == "Suppressed 1 address.\n"
    ask(ADA, [], "/", None)
    answer_sign_ups()
    assert cast.recipients() == []


def test_who_was_moved_before_their_suppression_is_taken_off_the_list(take, settings):
    cast.suppress(ADA, "deleted")
    text = exported()
    Suppression.objects.all().delete()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "of the new machine"
    ada, bob = cast.subscriber(ADA), cast.subscriber("bob@example.org")
    assert fingerprint(ADA).hex() not in text
    assert take(text) == "Suppressed 1 address. 1 of the subscribers is taken off the list.\n"
    ada.refresh_from_db()
    assert ada.status == Standing.UNSUBSCRIBED
    assert list(Subscriber.objects.wanting()) == [bob]


def test_a_list_of_an_unknown_key_is_refused_because_its_hashes_are_of_no_use(take, settings):
    cast.suppress(ADA)
    text = exported()
    settings.SECRET_KEY = "of the new machine"
    Suppression.objects.all().delete()
    problem, end = take(text)
    assert problem == (
        "line 2: made with a SECRET_KEY that is unknown here: put it into SECRET_KEY_FALLBACKS"
    )
    assert end == "1 error in the list. Nothing was written."
    assert not Suppression.objects.exists()


def test_every_key_that_suppressions_were_made_with_has_to_come_along(take, settings):
    settings.SECRET_KEY_FALLBACKS = ["an earlier one"]
    text = exported()
    settings.SECRET_KEY_FALLBACKS = []
    assert take(text)[0].startswith("line 3: made with a SECRET_KEY")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"{MARK[1:]},asked,2026-01-31", "fingerprint: not 64 hexadecimal digits"),
        ("ada@example.org,asked,2026-01-31", "fingerprint: not 64 hexadecimal digits"),
        (f"{MARK},tired,2026-01-31", "reason: not one of bounced, complained, deleted, asked"),
        (f"{MARK},asked,yesterday", "suppressed_at: not a moment such as 2026-01-31T10:00:00Z"),
        (f"{MARK},asked,2999-01-31", "suppressed_at: not a moment such as 2026-01-31T10:00:00Z"),
        (f"{MARK},asked", "2 cells, where the header has 3"),
        (f"{MARK},as\x07ked,2026-01-31", "reason: control characters"),
    ],
)
def test_every_error_is_told_with_its_line_and_nothing_is_suppressed(take, line, problem):
    said = take(f"{head()}{MARK},asked,2026-01-31\n{line}\n")
    assert said == [f"line 4: {problem}", "1 error in the list. Nothing was written."]
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: there is no header; it is fingerprint,reason,suppressed_at"),
        ("email\n", "line 1: the header is not fingerprint,reason,suppressed_at, separated by"),
        (
            f"{HEADER}{MARK},asked,2026-01-31\n",
            "line 2: no line before says with which SECRET_KEY the list was made",
        ),
    ],
)
def test_what_is_no_such_list_is_told_so(take, text, problem):
    said, _ = take(text)
    assert said.startswith(problem)
    assert not Suppression.objects.exists()


def test_a_dry_run_says_what_would_be_and_writes_nothing(take):
    ada = cast.subscriber(ADA)
    text = f"{head()}{fingerprint(ADA).hex()},asked,2026-01-31T10:00:00Z\n"
    assert take(text, "--dry-run") == (
        "Would suppress 1 address. 1 of the subscribers would be taken off the list. "
        "Nothing was written.\n"
    )
    assert not Suppression.objects.exists()
    ada.refresh_from_db()
    assert ada.status == Standing.ACTIVE
    take(text)
    assert Suppression.objects.get().suppressed_at == datetime(2026, 1, 31, 10, tzinfo=UTC)


def test_batches_and_all_of_their_lines_are_written(take, monkeypatch):
    monkeypatch.setattr(suppressions, "BATCH", 2)
    monkeypatch.setattr(suppressions, "FETCH", 2)
    people = [cast.subscriber(f"a{number}@example.org") for number in range(5)]
    rows = "".join(f"{fingerprint(who.email).hex()},asked,2026-01-31\n" for who in people)
    said = take(head() + rows)
    assert said == "Suppressed 5 addresses. 5 of the subscribers are taken off the list.\n"
    assert len(exported().splitlines()) == 7
