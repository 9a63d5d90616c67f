"""Printing the catalog: what the document holds, and that it comes back as the same bytes."""

import io
import json
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from comparisons.catalog.exporting import export_document
from comparisons.models import Comparison
from reviews.personas import Persona
from reviews.writing import Statement, record_reviews
from tools.models import Category, Plan, Price, Tool, Vendor


def export(*options: str) -> str:
    out = io.StringIO()
    call_command("export_catalog", *options, stdout=out)
    return out.getvalue()


def make_tool(slug: str, **values) -> Tool:
    vendor, _ = Vendor.objects.get_or_create(slug="acme", name="Acme")
    category, _ = Category.objects.get_or_create(slug="agents", name="Agents")
    values = {"name": slug.title(), "status": "published"} | values
    return Tool.objects.create(slug=slug, vendor=vendor, category=category, **values)


def say(tool: Tool, persona: str, verdict: str, score: int | None, day: date) -> None:
    record_reviews([Statement(tool.pk, persona, verdict, score, f"{verdict}!", reviewed_on=day)])


@pytest.fixture
def full_catalog(db) -> None:
    """Everything that a document can hold, told to the database in a mixed-up order."""
    today = timezone.localdate()
    bellows = make_tool("bellows", status="withdrawn", description="Zwölf\n\n- “Bälge”\u2028\x85")
    anvil = make_tool("anvil", tagline="Heavy", released_on=date(2026, 5, 22))
    make_tool("an-vil", status="draft")
    for position, label in ((1, "Pro"), (0, "Zero")):
        plan = Plan.objects.create(tool=anvil, label=label, kind="usage", position=position)
        for amount, day in (
            ("19", today - timedelta(days=9)),
            ("0.0025", today - timedelta(days=9)),
            ("0.003", today + timedelta(days=9)),
            ("0.004", today + timedelta(days=9)),
            ("17", today - timedelta(days=90)),
        ):
            Price.objects.create(
                plan=plan,
                amount=Decimal(amount),
                currency="EUR",
                period="",
                unit="1M tokens",
                effective_on=day,
                checked_on=today,
                source_url="https://acme.example/",
            )
    say(anvil, "founder", "ship", None, date(2026, 5, 1))
    say(anvil, "builder", "skip", 0, date(2026, 5, 2))
    say(anvil, "builder", "ship", 100, date(2026, 5, 1))
    Comparison.objects.create(left=bellows, right=anvil, summary="Air.", status="published")


@pytest.mark.django_db
def test_an_empty_catalog_is_a_document_too():
    assert export() == (
        '{\n "format": "shiporskip/1",\n "categories": [],\n "vendors": [],\n "tools": [],\n'
        ' "comparisons": []\n}\n'
    )


@pytest.mark.parametrize("options", [[], ["--history"]])
def test_an_export_that_is_imported_into_an_empty_database_is_exported_as_the_same_bytes(
    options, full_catalog, tmp_path
):
    before = export(*options)
    path = tmp_path / "catalog.json"
    path.write_text(before, encoding="utf-8")
    for model in (Tool, Vendor, Category):
        model.objects.all().delete()
    assert not Comparison.objects.exists()
    call_command("import_catalog", str(path), stdout=io.StringIO())
    assert export(*options) == before


@pytest.mark.parametrize("options", [[], ["--history"]])
def test_an_export_taken_in_where_it_came_from_changes_nothing(options, full_catalog, tmp_path):
    path = tmp_path / "catalog.json"
    path.write_text(export(*options), encoding="utf-8")
    out = io.StringIO()
    call_command("import_catalog", str(path), stdout=out)
    assert out.getvalue() == "Nothing to change.\n"


@pytest.mark.parametrize("options", [[], ["--history"]])
def test_the_text_is_that_of_json_with_an_indent_of_one_and_letters_as_they_are(
    options, full_catalog
):
    text = export(*options)
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    assert "Zwölf" in text


def test_keys_stand_in_the_order_of_the_format(full_catalog):
    document = json.loads(export())
    assert list(document) == ["format", "categories", "vendors", "tools", "comparisons"]
    assert list(document["categories"][0]) == ["slug", "name", "description"]
    assert list(document["vendors"][0]) == ["slug", "name", "website"]
    tool = document["tools"][1]
    assert list(tool) == [
        *("slug", "name", "vendor", "category", "tagline", "description", "website"),
        *("released_on", "status", "plans", "reviews"),
    ]
    assert list(tool["plans"][0]) == ["label", "kind", "prices"]
    assert list(tool["plans"][0]["prices"][0]) == [
        *("amount", "currency", "period", "unit", "effective_on", "checked_on", "source_url"),
    ]
    assert list(tool["reviews"][0]) == [
        *("persona", "verdict", "score", "body", "evidence", "reviewed_on", "reason"),
    ]
    assert list(document["comparisons"][0]) == ["left", "right", "summary", "status"]


def test_entries_are_sorted_by_slug_byte_by_byte_and_plans_by_position(full_catalog):
    document = json.loads(export())
    # In most locales a hyphen counts for nothing, which would put it between the other two.
    assert [tool["slug"] for tool in document["tools"]] == ["an-vil", "anvil", "bellows"]
    assert [plan["label"] for plan in document["tools"][1]["plans"]] == ["Zero", "Pro"]


def test_without_history_it_has_what_stands_and_the_prices_still_to_come(full_catalog):
    tool = json.loads(export())["tools"][1]
    assert [price["amount"] for price in tool["plans"][0]["prices"]] == ["0.0025", "0.004"]
    assert [(review["persona"], review["verdict"]) for review in tool["reviews"]] == [
        ("builder", "ship"),
        ("founder", "ship"),
    ]


def test_with_history_it_has_everything_oldest_first(full_catalog):
    tool = json.loads(export("--history"))["tools"][1]
    assert [price["amount"] for price in tool["plans"][0]["prices"]] == [
        *("17.00", "19.00", "0.0025", "0.003", "0.004")
    ]
    assert [(review["persona"], review["verdict"]) for review in tool["reviews"]] == [
        ("builder", "skip"),
        ("builder", "ship"),
        ("founder", "ship"),
    ]


def test_what_is_unknown_is_left_out_and_zero_is_not_unknown(full_catalog):
    unreleased, anvil, _ = json.loads(export("--history"))["tools"]
    assert "released_on" not in unreleased
    builder, _, founder = anvil["reviews"]
    assert builder["score"] == 0
    assert "score" not in founder


@pytest.mark.django_db
def test_what_is_scheduled_says_from_when_on():
    later = timezone.now() + timedelta(days=1)
    make_tool("anvil", published_at=later)
    (tool,) = json.loads(export())["tools"]
    assert (tool["status"], tool["published_at"]) == ("scheduled", later.isoformat())


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_tools():
    def add(slug):
        tool = make_tool(slug)
        Plan.objects.create(tool=tool, label="Free", kind="free")
        for persona in Persona.values:
            say(tool, persona, "ship", 50, date(2026, 5, 1))

    def queries():
        count = 0

        def watch(execute, *arguments):
            nonlocal count
            count += 1
            return execute(*arguments)

        with connection.execute_wrapper(watch):
            export("--history")
        return count

    add("first")
    before = queries()
    for number in range(20):
        add(f"more-{number}")
    assert queries() == before


@pytest.mark.django_db(transaction=True)
def test_what_is_written_during_an_export_is_all_in_it_or_not_at_all():
    make_tool("anvil")
    pieces = export_document()
    text = ""
    while "agents" not in text:  # The categories are read by then, the tools are not.
        text += next(pieces)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("UPDATE tools_tool SET name = 'Too late'")
    finally:
        other.close()
    text += "".join(pieces)
    assert json.loads(text)["tools"][0]["name"] == "Anvil"


def test_whoever_stops_reading_gets_no_traceback():
    # More than a pipe holds, so that the command is still writing when nobody reads any more.
    with subprocess.Popen(
        [sys.executable, "manage.py", "fictional_catalog", "500"],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"{\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_it_is_utf8_whatever_the_terminal_speaks(tmp_path: Path):
    program = (
        "import sys; from django.core.management.base import OutputWrapper;"
        "from comparisons.catalog.terminal import print_pieces;"
        "print_pieces(OutputWrapper(sys.stdout), ['Zwölf', '\\n'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR,
        env={"PYTHONIOENCODING": "latin-1", "PATH": ""},
        capture_output=True,
        check=True,
    )
    assert done.stdout == "Zwölf\n".encode()
