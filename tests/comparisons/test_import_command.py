"""The command import_catalog: the dry run, the empty site, and how it ends when it is stopped."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import IntegrityError, connection, transaction

from comparisons.models import Comparison
from tests.documents import call_and_read, catalog, changed
from tools.models import Category, Tool, Vendor


@pytest.mark.django_db
def test_a_dry_run_prints_what_would_be_added_and_writes_nothing(take_in):
    assert take_in(catalog(), "--dry-run").splitlines() == [
        "category agents: added",
        "vendor acme: added",
        "tool anvil: added",
        "tool bellows: added",
        "plan anvil/Free: added",
        "plan anvil/Pro: added",
        "price anvil/Pro: added USD 20.00 per month from 2026-05-22",
        "review anvil/builder: added",
        "review anvil/skeptic: added",
        "comparison anvil-vs-bellows: added",
        "Would add 1 category, 1 vendor, 2 tools, 2 plans, 1 price, 2 reviews, 1 comparison.",
        "Nothing was written.",
    ]
    assert not Category.objects.exists()


@pytest.mark.django_db
def test_a_dry_run_prints_what_would_be_changed_and_writes_nothing(take_in):
    take_in(catalog())
    document = catalog()
    document["tools"][0] |= {"tagline": "Light work", "description": "New."}
    document["tools"][0]["plans"].reverse()
    document["tools"][0]["plans"][0]["prices"][0]["checked_on"] = "2026-09-01"
    document["tools"][0]["reviews"][0] |= {"verdict": "skip", "reason": "It broke."}
    document["tools"][0]["reviews"][1] |= {"score": 31, "reason": "Measured again."}
    document["comparisons"][0] = {"left": "bellows", "right": "anvil"}
    before = call_and_read("export_catalog", "--history")
    assert take_in(document, "--dry-run").splitlines() == [
        "tool anvil: tagline, description changed",
        "plan anvil/Pro: position changed",
        "plan anvil/Free: position changed",
        "price anvil/Pro: checked again on 2026-09-01",
        "review anvil/builder: changed (ship → skip)",
        "review anvil/skeptic: changed",
        "comparison bellows-vs-anvil: left, right changed",
        "Would change 1 tool, 2 plans, 1 price, 2 reviews, 1 comparison.",
        "Nothing was written.",
    ]
    assert call_and_read("export_catalog", "--history") == before


@pytest.mark.django_db
def test_a_dry_run_of_what_is_known_says_that_there_is_nothing_to_change(take_in):
    take_in(catalog())
    assert take_in(catalog(), "--dry-run") == "Nothing to change.\n"


@pytest.mark.django_db
def test_if_empty_imports_into_an_empty_site_and_into_no_other(take_in):
    assert take_in(catalog(), "--if-empty").startswith("Added ")
    document = changed("tools.0.name", "Renamed")
    assert take_in(document, "--if-empty") == (
        "There are tools already, so nothing was imported.\n"
    )
    assert Tool.objects.get(slug="anvil").name == "Anvil"


@pytest.mark.parametrize(
    ("fault", "sentence", "code"),
    [
        (KeyboardInterrupt(), "Interrupted. Nothing was written.", 130),
        (
            IntegrityError("duplicate key\nDETAIL: …"),
            "The database refused it (duplicate key). Nothing was written.",
            1,
        ),
    ],
)
@pytest.mark.django_db
def test_an_import_that_is_stopped_midway_says_so_and_leaves_nothing(
    fault, sentence, code, take_in, monkeypatch
):
    def stop(*_, **options):
        assert Tool.objects.exists()
        raise fault

    monkeypatch.setattr("comparisons.catalog.importing.record_reviews", stop)
    with pytest.raises(CommandError) as raised:
        take_in(catalog())
    assert (str(raised.value), raised.value.returncode) == (sentence, code)
    assert not Category.objects.exists()


PROGRAM = """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line

settings.DATABASES["default"]["NAME"] = sys.argv.pop(1)
execute_from_command_line(sys.argv)
"""


@contextmanager
def running_command(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command as a process of its own on the test's database."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, connection.settings_dict["NAME"], *words],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_a_blocked_writer() -> None:
    """Return once another connection waits for what this one has locked."""
    for _ in range(300):
        with connection.cursor() as cursor:
            # Within a transaction Postgres would show the first answer again and again.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.1)
    raise AssertionError("Nobody waited.")


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_halfway_leaves_nothing_and_may_run_again(blow, written, take_in):
    take_in(catalog())
    before = call_and_read("export_catalog", "--history")
    document = changed("vendors.0.name", "Acme Inc.")
    document["comparisons"][0]["summary"] = "Changed."
    with transaction.atomic():
        # The import has written the vendor by the time it waits for this row.
        Comparison.objects.select_for_update().get()
        with running_command("import_catalog", written(document)) as process:
            wait_for_a_blocked_writer()
            process.send_signal(blow)
            _, error = process.communicate(timeout=30)
    if blow == signal.SIGINT:
        assert error == "CommandError: Interrupted. Nothing was written.\n"
        assert process.returncode == 130
    assert call_and_read("export_catalog", "--history") == before
    assert take_in(document) == "Changed 1 vendor, 1 comparison.\n"


@pytest.mark.django_db(transaction=True)
def test_a_tool_that_somebody_else_adds_meanwhile_stops_the_import_whole(written):
    vendor = Vendor.objects.create(slug="smith", name="Smith")
    category = Category.objects.create(slug="forge", name="Forge")
    transaction.set_autocommit(False)
    try:
        Tool.objects.create(slug="bellows", name="B", vendor=vendor, category=category)
        with running_command("import_catalog", written(catalog())) as process:
            wait_for_a_blocked_writer()
            transaction.commit()
            _, error = process.communicate(timeout=30)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert error.startswith("CommandError: The database refused it (duplicate key value")
    assert not Category.objects.filter(slug="agents").exists()
