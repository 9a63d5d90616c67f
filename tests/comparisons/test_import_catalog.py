"""Taking a catalog document in: what it refuses, what it writes, and what it leaves alone."""

import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comparisons.catalog.changes import Changes
from comparisons.catalog.importing import RefusedError, import_document
from comparisons.models import Comparison
from reviews.models import Panel, Review, Revision
from tools.models import Category, Plan, Price, Tool, Vendor
from tools.status import Status

Document = dict[str, Any]


STATUSES = "draft, in_review, scheduled, published, withdrawn"


def catalog() -> Document:
    """Return a small document in which everything is right."""
    return {
        "format": "shiporskip/1",
        "categories": [{"slug": "agents", "name": "Agents", "description": "They *act*."}],
        "vendors": [{"slug": "acme", "name": "Acme", "website": "https://acme.example/"}],
        "tools": [
            {
                "slug": "anvil",
                "name": "Anvil",
                "vendor": "acme",
                "category": "agents",
                "tagline": "Heavy work",
                "description": "An **anvil**.",
                "website": "",
                "released_on": "2026-05-22",
                "status": "published",
                "plans": [
                    {"label": "Free", "kind": "free"},
                    {
                        "label": "Pro",
                        "kind": "subscription",
                        "prices": [
                            {
                                "amount": "20.00",
                                "currency": "USD",
                                "period": "month",
                                "unit": "",
                                "effective_on": "2026-05-22",
                                "checked_on": "2026-06-01",
                                "source_url": "https://acme.example/prices",
                            }
                        ],
                    },
                ],
                "reviews": [review("builder"), review("skeptic", verdict="skip", score=30)],
            },
            {"slug": "bellows", "name": "Bellows", "vendor": "acme", "category": "agents"},
        ],
        "comparisons": [{"left": "anvil", "right": "bellows", "summary": "Weight or *air*."}],
    }


def review(persona: str, **values: Any) -> dict[str, Any]:
    return {
        "persona": persona,
        "verdict": "ship",
        "score": 84,
        "body": "It **holds**.",
        "evidence": "tested",
        "reviewed_on": "2026-05-23",
        "reason": "",
        **values,
    }


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], str]:
    """Write a document (or bytes that are none) to a file and return its name."""

    def write(content: Any) -> str:
        path = tmp_path / "catalog.json"
        path.write_bytes(
            content if isinstance(content, bytes) else json.dumps(content).encode("utf-8")
        )
        return str(path)

    return write


@pytest.fixture
def take_in(written: Callable[[Any], str]) -> Callable[..., str]:
    """Import a document and return what was printed."""

    def run(content: Any, *options: str) -> str:
        out = io.StringIO()
        call_command("import_catalog", written(content), *options, stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def refusal(written: Callable[[Any], str]) -> Callable[[Any], list[str]]:
    """Return the errors with which a document is refused."""

    def run(content: Any) -> list[str]:
        err = io.StringIO()
        with pytest.raises(CommandError) as raised:
            call_command("import_catalog", written(content), stderr=err)
        assert raised.value.returncode == 1
        lines = err.getvalue().splitlines()
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        assert str(raised.value) == f"{count} in the document. Nothing was written."
        return lines

    return run


def changed(path: str, value: Any) -> Document:
    """Return the document with one value set, at a place such as `tools.0.reviews.0.score`."""
    document = catalog()
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = document
    for step in steps:
        target = target[step]
    target[last] = value
    return document


def without(path: str) -> Document:
    """Return the document with one key left out."""
    document = changed(path, None)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = document
    for step in steps:
        target = target[step]
    del target[last]
    return document


# What it refuses

PRICE = "tools.0.plans.1.prices.0"
REVIEW = "tools.0.reviews.1"
EXPLANATION = (
    "A slug is made of lower-case letters, digits and single hyphens, "
    "and has no “vs” between or beside hyphens."
)


@pytest.mark.parametrize(
    "path",
    [
        "format",
        "categories.0.slug",
        "categories.0.name",
        "vendors.0.name",
        "tools.0.name",
        "tools.0.vendor",
        "tools.0.category",
        "tools.0.plans.0.label",
        "tools.0.plans.0.kind",
        f"{PRICE}.amount",
        f"{REVIEW}.persona",
        f"{REVIEW}.verdict",
        f"{REVIEW}.body",
        "comparisons.0.left",
        "comparisons.0.right",
    ],
)
@pytest.mark.django_db
def test_a_required_key_that_is_missing_is_named_with_its_place(path, refusal):
    assert f"{place(path)}: missing" in refusal(without(path))


def place(path: str) -> str:
    """Return a path in the words of a message: `tools[0].name`."""
    words = ""
    for step in path.split("."):
        words += f"[{step}]" if step.isdigit() else f".{step}"
    return words.removeprefix(".")


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        # the example of the format's description
        (f"{REVIEW}.score", 140, "140 is not between 0 and 100"),
        (f"{REVIEW}.score", -1, "-1 is not between 0 and 100"),
        # unknown keys, on every level
        ("colour", "red", "unknown key"),
        ("categories.0.colour", "red", "unknown key"),
        ("vendors.0.colour", "red", "unknown key"),
        ("tools.0.colour", "red", "unknown key"),
        ("tools.0.plans.0.colour", "red", "unknown key"),
        (f"{PRICE}.colour", "red", "unknown key"),
        (f"{REVIEW}.colour", "red", "unknown key"),
        ("comparisons.0.colour", "red", "unknown key"),
        # types
        ("tools.0.name", 5, "5 is not a text"),
        ("tools.0.tagline", None, "null is not a text"),
        ("tools.0.vendor", ["acme"], "a list is not a text"),
        (f"{REVIEW}.score", "84", '"84" is not a whole number'),
        (f"{REVIEW}.score", 84.0, "84.0 is not a whole number"),
        (f"{REVIEW}.score", True, "true is not a whole number"),
        (f"{REVIEW}.score", float("nan"), "NaN is not a whole number"),
        (f"{REVIEW}.evidence", None, "null is not a text"),
        (f"{PRICE}.currency", None, "null is not a text"),
        ("tools", {"slug": "anvil"}, "an object is not a list"),
        ("tools.0.plans", "Free", '"Free" is not a list'),
        ("tools.0", "anvil", '"anvil" is not an object'),
        (REVIEW, 5, "5 is not an object"),
        # a few allowed values
        ("format", "shiporskip/2", '"shiporskip/2" is not "shiporskip/1"'),
        (
            "tools.0.status",
            "live",
            '"live" is not one of ' + STATUSES,
        ),
        (
            "comparisons.0.status",
            "",
            '"" is not one of ' + STATUSES,
        ),
        (
            "tools.0.plans.0.kind",
            "gratis",
            '"gratis" is not one of free, subscription, usage, one_time, quote',
        ),
        (f"{PRICE}.period", "week", '"week" is not one of month, year, once, ""'),
        (
            f"{REVIEW}.persona",
            "critic",
            '"critic" is not one of builder, skeptic, futurist, founder',
        ),
        (f"{REVIEW}.verdict", "Ship", '"Ship" is not one of ship, skip'),
        (f"{REVIEW}.evidence", "rumour", '"rumour" is not one of tested, researched, vendor'),
        # lengths
        ("categories.0.name", "n" * 201, "has 201 characters, and 200 are the most"),
        ("tools.0.name", "n" * 201, "has 201 characters, and 200 are the most"),
        ("tools.0.tagline", "t" * 201, "has 201 characters, and 200 are the most"),
        ("tools.0.slug", "s" * 81, "has 81 characters, and 80 are the most"),
        ("tools.0.plans.0.label", "l" * 101, "has 101 characters, and 100 are the most"),
        (f"{PRICE}.unit", "u" * 61, "has 61 characters, and 60 are the most"),
        (f"{REVIEW}.reason", "r" * 301, "has 301 characters, and 300 are the most"),
        (f"{REVIEW}.body", "b" * 20_001, "has 20001 characters, and 20000 are the most"),
        ("tools.0.description", "d" * 20_001, "has 20001 characters, and 20000 are the most"),
        ("categories.0.description", "d" * 20_001, "has 20001 characters, and 20000 are the most"),
        ("comparisons.0.summary", "d" * 20_001, "has 20001 characters, and 20000 are the most"),
        (
            "vendors.0.website",
            f"https://acme.example/{'w' * 180}",
            "has 201 characters, and 200 are the most",
        ),
        # texts that have to say something
        ("tools.0.name", "", "is empty"),
        ("vendors.0.name", " \n", "is empty"),
        ("tools.0.plans.0.label", "", "is empty"),
        (f"{REVIEW}.body", "", "is empty"),
        # slugs
        ("categories.0.slug", "Agents", f'"Agents" is not a slug. {EXPLANATION}'),
        ("vendors.0.slug", "ac me", f'"ac me" is not a slug. {EXPLANATION}'),
        ("tools.0.slug", "an--vil", f'"an--vil" is not a slug. {EXPLANATION}'),
        ("tools.0.slug", "", f'"" is not a slug. {EXPLANATION}'),
        ("tools.0.slug", "änvil", f'"änvil" is not a slug. {EXPLANATION}'),
        ("tools.0.slug", "anvil\n", f'"anvil\\n" is not a slug. {EXPLANATION}'),
        ("tools.0.slug", "a-vs-b", f'"a-vs-b" is not a slug. {EXPLANATION}'),
        ("tools.0.slug", "vs-b", f'"vs-b" is not a slug. {EXPLANATION}'),
        ("tools.0.slug", "a-vs", f'"a-vs" is not a slug. {EXPLANATION}'),
        # references
        ("tools.0.vendor", "nobody", '"nobody" is no vendor of the document or the database'),
        ("tools.0.category", "none", '"none" is no category of the document or the database'),
        ("comparisons.0.left", "hammer", '"hammer" is no tool of the document or the database'),
        ("comparisons.0.right", "hammer", '"hammer" is no tool of the document or the database'),
        ("comparisons.0.right", "anvil", '"anvil" is compared with itself'),
        # days
        (f"{REVIEW}.reviewed_on", "23.05.2026", '"23.05.2026" is not a date such as "2026-05-22"'),
        (f"{REVIEW}.reviewed_on", "20260523", '"20260523" is not a date such as "2026-05-22"'),
        (f"{PRICE}.checked_on", "2026-02-30", '"2026-02-30" is not a day of the calendar'),
        (f"{PRICE}.effective_on", 2026, '2026 is not a date such as "2026-05-22"'),
        ("tools.0.released_on", "", '"" is not a date such as "2026-05-22"'),
        # amounts
        (f"{PRICE}.amount", 20.0, '20.0 is not an amount in quotes such as "20.00"'),
        (f"{PRICE}.amount", 20, '20 is not an amount in quotes such as "20.00"'),
        (f"{PRICE}.amount", "-5.00", '"-5.00" is negative'),
        (f"{PRICE}.amount", "NaN", '"NaN" is not an amount such as "20.00"'),
        (f"{PRICE}.amount", "Infinity", '"Infinity" is not an amount such as "20.00"'),
        (f"{PRICE}.amount", "1e5", '"1e5" is not an amount such as "20.00"'),
        (f"{PRICE}.amount", "20,00", '"20,00" is not an amount such as "20.00"'),
        (f"{PRICE}.amount", " 20.00", '" 20.00" is not an amount such as "20.00"'),
        (
            f"{PRICE}.amount",
            "123456789.00",
            '"123456789.00" has more than 8 digits before the point or 6 after it',
        ),
        (
            f"{PRICE}.amount",
            "0.0000001",
            '"0.0000001" has more than 8 digits before the point or 6 after it',
        ),
        (
            f"{PRICE}.currency",
            "usd",
            '"usd" is not a currency of three capital letters such as USD',
        ),
        (
            f"{PRICE}.currency",
            "USD\n",
            '"USD\\n" is not a currency of three capital letters such as USD',
        ),
        # addresses
        (
            "vendors.0.website",
            "javascript:alert(1)",
            '"javascript:alert(1)" is not an http or https address',
        ),
        (
            "tools.0.website",
            "ftp://acme.example/",
            '"ftp://acme.example/" is not an http or https address',
        ),
        (
            f"{PRICE}.source_url",
            "acme.example",
            '"acme.example" is not an http or https address',
        ),
        # what no database or terminal can take
        ("tools.0.tagline", "a\x00b", "a text cannot hold the character NUL (\\u0000)"),
        (f"{REVIEW}.body", "a\x00b", "a text cannot hold the character NUL (\\u0000)"),
        ("tools.0.description", "a\ud83d", "a text cannot hold half a character (\\ud83d)"),
        ("tools.0.vendor", "\x00", '"\\u0000" is no vendor of the document or the database'),
        (
            "tools.0.status",
            "\x9b2J",
            '"\\x9b2J" is not one of ' + STATUSES,
        ),
        (
            "tools.0.status",
            "x" * 1000,
            f'"{"x" * 59}… is not one of ' + STATUSES,
        ),
    ],
)
@pytest.mark.django_db
def test_a_value_that_breaks_a_rule_is_named_with_its_place_and_the_rule(
    path, value, error, refusal
):
    errors = refusal(changed(path, value))
    assert f"{place(path)}: {error}" in errors


@pytest.mark.django_db
def test_one_mistake_is_told_once(refusal):
    # The other tool and the comparison refer to what is broken, and are not to blame.
    document = changed("tools.0.name", "")
    document["vendors"][0]["website"] = "nowhere"
    assert refusal(document) == [
        'vendors[0].website: "nowhere" is not an http or https address',
        "tools[0].name: is empty",
    ]


@pytest.mark.django_db
def test_all_errors_are_told_at_once_and_nothing_is_written(refusal):
    document = catalog()
    document["format"] = "1"
    document["vendors"][0]["name"] = 5
    document["tools"][0]["reviews"][1] |= {"score": 140, "verdict": "maybe"}
    document["tools"][1]["category"] = "none"
    document["comparisons"][0]["colour"] = "red"
    assert refusal(document) == [
        'format: "1" is not "shiporskip/1"',
        "vendors[0].name: 5 is not a text",
        'tools[0].reviews[1].verdict: "maybe" is not one of ship, skip',
        "tools[0].reviews[1].score: 140 is not between 0 and 100",
        'tools[1].category: "none" is no category of the document or the database',
        "comparisons[0].colour: unknown key",
    ]
    assert not Category.objects.exists()


@pytest.mark.parametrize("section", ["categories", "vendors", "tools"])
@pytest.mark.django_db
def test_a_slug_used_twice_is_named_with_both_places(section, refusal):
    document = catalog()
    document[section].append(document[section][0] | {"name": "Another"})
    slug, last = document[section][0]["slug"], len(document[section]) - 1
    assert refusal(document) == [
        f'{section}[{last}].slug: "{slug}" is used already by {section}[0]'
    ]


@pytest.mark.django_db
def test_two_plans_of_one_label_in_a_tool_are_named_with_both_places(refusal):
    assert refusal(changed("tools.0.plans.1.label", "Free")) == [
        'tools[0].plans[1].label: "Free" is used already by tools[0].plans[0]'
    ]


@pytest.mark.parametrize(("left", "right"), [("anvil", "bellows"), ("bellows", "anvil")])
@pytest.mark.django_db
def test_a_pair_compared_twice_is_named_with_both_places_in_either_order(left, right, refusal):
    document = catalog()
    document["comparisons"].append({"left": left, "right": right})
    assert refusal(document) == [
        f'comparisons[1]: "{left}" and "{right}" are compared already by comparisons[0]'
    ]


@pytest.mark.django_db
def test_a_key_that_stands_twice_in_an_object_is_named_with_its_place(refusal):
    text = json.dumps(catalog()).replace('"name": "Bellows"', '"name": "Bellows", "name": "B"')
    assert refusal(text.encode()) == ["tools[1].name: this key stands more than once"]


@pytest.mark.django_db
def test_a_key_of_odd_characters_is_shown_safely(refusal):
    document = catalog() | {"a\nb": 1}
    document["tools"][1]["\ud800"] = 1
    assert refusal(document) == [
        '["a\\nb"]: unknown key',
        'tools[1]: the key "\\ud800" holds half a character',
    ]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"[]", "the document: a list is not an object"),
        (b'"catalog"', 'the document: "catalog" is not an object'),
        (b"null", "the document: null is not an object"),
        (b"{}", "format: missing"),
    ],
)
@pytest.mark.django_db
def test_json_that_is_no_catalog_is_refused(content, error, refusal):
    assert refusal(content) == [error]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "is not JSON: Expecting value at line 1, column 1."),
        (b'{\n "a": 1,,\n}', "is not JSON: "),
        (b'{\n "a": \xff}', "is not UTF-8: byte 0xff at line 2, column 7."),
        (b'{"a": "\xc3', "is not UTF-8: byte 0xc3 at line 1, column 8."),
        ("{}".encode("utf-16"), "is not UTF-8: byte 0xff at line 1, column 1."),
        (b"[" * 100_000, "is nested too deeply."),
        (b'{"format": ' + b"9" * 5000 + b"}", "holds a number that is too long to read."),
    ],
)
@pytest.mark.django_db
def test_what_is_not_json_ends_with_one_line_that_says_where(content, error, written):
    name = written(content)
    with pytest.raises(CommandError) as raised:
        call_command("import_catalog", name)
    assert str(raised.value).startswith(f"{name} {error}")
    assert "\n" not in str(raised.value)


@pytest.mark.django_db
def test_a_syntax_error_is_told_with_line_and_column(written):
    with pytest.raises(CommandError, match=r"at line 2, column 9\.$"):
        call_command("import_catalog", written(b'{\n "a": 1,,\n}'))


@pytest.mark.django_db
def test_nesting_as_deep_as_json_can_be_read_is_refused_and_not_fallen_over(refusal):
    deep = b"[" * 900 + b"]" * 900
    assert refusal(b'{"format": "shiporskip/1", "x": ' + deep + b"}") == ["x: unknown key"]


@pytest.mark.django_db
def test_a_missing_file_and_a_folder_end_with_one_line(tmp_path):
    with pytest.raises(CommandError, match=r"none\.json cannot be read: No such file"):
        call_command("import_catalog", str(tmp_path / "none.json"))
    with pytest.raises(CommandError, match=r"cannot be read: Is a directory"):
        call_command("import_catalog", str(tmp_path))


# What it writes


@pytest.mark.django_db
def test_everything_in_the_document_is_written(take_in):
    assert take_in(catalog()) == (
        "Added 1 category, 1 vendor, 2 tools, 2 plans, 1 price, 2 reviews, 1 comparison.\n"
    )
    tool = Tool.objects.get(slug="anvil")
    assert (tool.vendor.slug, tool.category.slug, tool.status) == ("acme", "agents", "published")
    assert tool.released_on == date(2026, 5, 22)
    assert "<strong>anvil</strong>" in tool.description_html
    assert tool.published_at is not None
    assert [plan.label for plan in tool.plans.all()] == ["Free", "Pro"]
    price = Price.objects.get()
    assert (price.amount, price.effective_on) == (Decimal("20"), date(2026, 5, 22))
    assert "<strong>holds</strong>" in tool.reviews.get(persona="builder").body_html
    assert Panel.objects.get(tool=tool).cells == "sx--"
    assert "<em>act</em>" in Category.objects.get().description_html
    comparison = Comparison.objects.get()
    assert comparison.get_absolute_url().endswith("/anvil-vs-bellows/")
    assert "<em>air</em>" in comparison.summary_html


@pytest.mark.django_db
def test_only_what_is_required_is_enough_and_the_rest_takes_its_default(take_in):
    take_in(
        {
            "format": "shiporskip/1",
            "categories": [{"slug": "agents", "name": "Agents"}],
            "vendors": [{"slug": "acme", "name": "Acme"}],
            "tools": [
                {
                    "slug": slug,
                    "name": slug,
                    "vendor": "acme",
                    "category": "agents",
                    "plans": [{"label": "Pro", "kind": "usage", "prices": [{"amount": "3"}]}],
                    "reviews": [{"persona": "founder", "verdict": "skip", "body": "No."}],
                }
                for slug in ("anvil", "bellows")
            ],
            "comparisons": [{"left": "bellows", "right": "anvil"}],
        }
    )
    today = timezone.localdate()
    tool = Tool.objects.get(slug="anvil")
    assert (tool.status, tool.tagline, tool.released_on) == ("published", "", None)
    price = tool.plans.get().prices.get()
    assert (price.currency, price.period, price.unit) == ("USD", "month", "")
    assert (price.effective_on, price.checked_on) == (today, today)
    standing = tool.reviews.get()
    assert (standing.score, standing.evidence, standing.reviewed_on, standing.reason) == (
        None,
        "researched",
        today,
        "",
    )
    assert Comparison.objects.get().status == "published"


@pytest.mark.django_db
def test_null_is_an_unknown_score_or_release_day(take_in):
    take_in(catalog())
    document = changed("tools.0.released_on", None)
    document["tools"][0]["reviews"][0] |= {"score": None, "reason": "Not measured."}
    take_in(document)
    assert Tool.objects.get(slug="anvil").released_on is None
    assert Review.objects.get(persona="builder").score is None


@pytest.mark.django_db
def test_a_byte_order_mark_before_the_document_is_no_error(take_in):
    assert "2 tools" in take_in(b"\xef\xbb\xbf" + json.dumps(catalog()).encode())


@pytest.mark.django_db
def test_a_document_may_refer_to_what_is_in_the_database(take_in):
    take_in(catalog())
    take_in(
        {
            "format": "shiporskip/1",
            "tools": [{"slug": "chisel", "name": "C", "vendor": "acme", "category": "agents"}],
            "comparisons": [{"left": "chisel", "right": "anvil"}],
        }
    )
    assert Comparison.objects.filter(left__slug="chisel", right__slug="anvil").exists()


@pytest.mark.django_db
def test_standard_input_is_read_for_a_hyphen(monkeypatch):
    text = io.TextIOWrapper(io.BytesIO(json.dumps(catalog()).encode()))
    monkeypatch.setattr(sys, "stdin", text)
    call_command("import_catalog", "-", stdout=io.StringIO())
    assert Tool.objects.count() == 2


@pytest.mark.django_db
def test_the_demo_is_taken_in(take_in):
    demo = (settings.BASE_DIR / "fixtures/demo.json").read_bytes()
    assert take_in(demo).startswith("Added ")
    assert take_in(demo) == "Nothing to change.\n"


@pytest.mark.django_db
def test_a_persona_that_is_repeated_tells_its_history_oldest_first(take_in):
    history = [
        review("builder", verdict="skip", score=None, reviewed_on="2026-01-01"),
        review("builder", body="Now it holds.", reason="A new hammer."),
    ]
    document = changed("tools.0.reviews", history)
    take_in(document)
    standing = Review.objects.get()
    assert (standing.verdict, standing.reason) == ("ship", "A new hammer.")
    revisions = list(standing.revisions.values_list("number", "verdict", "previous_verdict"))
    assert revisions == [(1, "skip", ""), (2, "ship", "skip")]
    assert take_in(document) == "Nothing to change.\n"


# What it changes, and what it leaves alone


@pytest.mark.django_db
def test_the_same_document_again_changes_nothing_and_writes_nothing(take_in):
    take_in(catalog())
    writes = []

    def watch(execute, sql, params, many, context):
        writes.extend([sql] if sql.startswith(("INSERT", "UPDATE", "DELETE")) else [])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert take_in(catalog()) == "Nothing to change.\n"
    assert writes == []


@pytest.mark.django_db
def test_a_document_without_dates_is_the_same_tomorrow(take_in, monkeypatch):
    document = catalog()
    for key in ("effective_on", "checked_on"):
        del document["tools"][0]["plans"][1]["prices"][0][key]
    for of_tool in document["tools"][0]["reviews"]:
        del of_tool["reviewed_on"]
    take_in(document)
    tomorrow = timezone.localdate() + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda *_: tomorrow)
    assert take_in(document) == "Nothing to change.\n"


@pytest.mark.django_db
def test_changed_values_are_written_with_what_follows_from_them(take_in):
    take_in(catalog())
    before = Tool.objects.get(slug="anvil").updated_at
    document = catalog()
    document["categories"][0]["description"] = "They `wait`."
    document["vendors"][0]["name"] = "Acme Inc."
    document["tools"][0]["description"] = "A *lighter* anvil."
    document["comparisons"][0]["summary"] = "Now **even**."
    document["tools"][0]["plans"][1]["kind"] = "quote"
    assert take_in(document) == ("Changed 1 category, 1 vendor, 1 tool, 1 plan, 1 comparison.\n")
    assert "<code>wait</code>" in Category.objects.get().description_html
    assert Vendor.objects.get().name == "Acme Inc."
    tool = Tool.objects.get(slug="anvil")
    assert "<em>lighter</em>" in tool.description_html
    assert tool.updated_at > before
    assert "<strong>even</strong>" in Comparison.objects.get().summary_html
    assert Plan.objects.get(label="Pro").kind == "quote"


@pytest.mark.django_db
def test_what_the_document_leaves_out_is_left_alone(take_in):
    take_in(catalog())
    before = call_and_read("export_catalog")
    take_in(
        {
            "format": "shiporskip/1",
            "tools": [
                {"slug": "anvil", "name": "Anvil", "vendor": "acme", "category": "agents"},
            ],
            "comparisons": [{"left": "anvil", "right": "bellows"}],
        }
    )
    assert call_and_read("export_catalog") == before


def call_and_read(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_an_empty_text_is_not_left_out(take_in):
    take_in(catalog())
    take_in(changed("tools.0.tagline", ""))
    assert Tool.objects.get(slug="anvil").tagline == ""


@pytest.mark.django_db
def test_a_changed_review_adds_a_revision_and_the_panel_follows(take_in):
    take_in(catalog())
    take_in(changed("tools.0.reviews.0", review("builder", verdict="skip", reason="It broke.")))
    assert [text.verdict for text in Revision.objects.filter(review__persona="builder")] == [
        "ship",
        "skip",
    ]
    assert Panel.objects.get(tool__slug="anvil").cells == "xx--"


@pytest.mark.parametrize(
    ("values", "change"),
    [
        ({"verdict": "skip"}, "the verdict changes"),
        ({"verdict": "skip", "score": 20, "reason": " "}, "the verdict changes"),
        ({"score": 20}, "the score changes"),
        ({"score": None}, "the score changes"),
        ({"status": "withdrawn"}, "it is withdrawn"),
    ],
)
@pytest.mark.django_db
def test_what_changes_for_readers_needs_its_reason(values, change, take_in, refusal):
    take_in(catalog())
    document = changed("tools.0.reviews.0", review("builder", **values))
    assert refusal(document) == [f"tools[0].reviews[0].reason: say why {change}; readers see it"]
    document["tools"][0]["reviews"][0]["reason"] = "A new version."
    assert take_in(document) == "Changed 1 review.\n"
    assert take_in(document) == "Nothing to change.\n"


@pytest.mark.parametrize("values", [{"body": "Other words."}, {"evidence": "vendor"}])
@pytest.mark.django_db
def test_what_leaves_verdict_and_score_alone_needs_no_reason(values, take_in):
    take_in(catalog())
    document = changed("tools.0.reviews.0", review("builder", **values))
    assert take_in(document) == "Changed 1 review.\n"


@pytest.mark.django_db
def test_a_review_that_readers_do_not_see_changes_without_a_reason(take_in):
    take_in(changed("tools.0.reviews", [review("builder", status="draft")]))
    document = changed("tools.0.reviews", [review("builder", verdict="skip", status="published")])
    assert take_in(document) == "Changed 1 review.\n"


@pytest.mark.django_db
def test_only_the_new_steps_of_a_public_history_need_reasons(take_in, refusal):
    history = [review("builder", verdict="skip"), review("builder")]
    take_in(changed("tools.0.reviews", history))
    history += [
        review("builder", score=50, reason="Measured again."),
        review("builder", verdict="skip", score=50),
    ]
    assert refusal(changed("tools.0.reviews", history)) == [
        "tools[0].reviews[3].reason: say why the verdict changes; readers see it"
    ]
    history[3]["reason"] = "It broke."
    assert take_in(changed("tools.0.reviews", history)) == "Changed 1 review.\n"
    assert Revision.objects.count() == 4


@pytest.mark.django_db
def test_a_score_that_is_left_out_is_unknown_even_where_one_was_known(take_in):
    take_in(catalog())
    document = without("tools.0.reviews.0.score")
    document["tools"][0]["reviews"][0]["reason"] = "Not measured."
    take_in(document)
    assert Review.objects.get(persona="builder").score is None


@pytest.mark.django_db
def test_a_changed_price_adds_a_price_and_keeps_the_past(take_in):
    take_in(catalog())
    document = changed(f"{PRICE}.amount", "25.00")
    document["tools"][0]["plans"][1]["prices"][0]["effective_on"] = "2026-07-01"
    assert take_in(document) == "Added 1 price.\n"
    assert [str(price.amount) for price in Price.objects.all()] == ["20.000000", "25.000000"]


@pytest.mark.django_db
def test_a_price_that_was_checked_again_is_only_dated_anew(take_in):
    take_in(catalog())
    assert take_in(changed(f"{PRICE}.checked_on", "2026-09-01")) == "Changed 1 price.\n"
    assert Price.objects.get().checked_on == date(2026, 9, 1)


@pytest.mark.parametrize(
    ("told", "order"),
    [
        (["C", "A", "B"], ["C", "A", "B"]),
        (["A", "New", "B", "C"], ["A", "New", "B", "C"]),
        (["C", "A"], ["C", "B", "A"]),  # B stays where it is
        (["C"], ["A", "B", "C"]),
        (["New", "B"], ["A", "New", "C", "B"]),
    ],
)
@pytest.mark.django_db
def test_plans_stand_in_the_order_given_and_those_left_out_stay_in_place(told, order, take_in):
    def plans(labels):
        return [{"label": label, "kind": "free"} for label in labels]

    take_in(changed("tools.0.plans", plans(["A", "B", "C"])))
    document = changed("tools.0.plans", plans(told))
    take_in(document)
    assert [plan.label for plan in Tool.objects.get(slug="anvil").plans.all()] == order
    assert take_in(document) == "Nothing to change.\n"


@pytest.mark.django_db
def test_a_pair_given_in_the_other_order_turns_its_comparison_round(take_in):
    take_in(catalog())
    document = catalog()
    document["comparisons"] = [{"left": "bellows", "right": "anvil"}]
    assert take_in(document) == "Changed 1 comparison.\n"
    comparison = Comparison.objects.get()
    assert (comparison.left.slug, comparison.right.slug) == ("bellows", "anvil")
    assert comparison.summary == "Weight or *air*."


@pytest.mark.django_db
def test_a_status_that_is_left_out_stays_and_one_that_is_given_counts(take_in):
    take_in(changed("tools.0.status", "draft"))
    assert Tool.objects.get(slug="anvil").published_at is None
    take_in(without("tools.0.status"))
    assert Tool.objects.get(slug="anvil").status == "draft"
    take_in(changed("tools.0.status", "published"))
    assert Tool.objects.get(slug="anvil").published_at is not None
    take_in(changed("tools.0.status", "withdrawn"))
    assert Tool.objects.get(slug="anvil").status == "withdrawn"


@pytest.mark.django_db
def test_a_schedule_is_told_with_its_minute_and_stays_where_nothing_is_said_of_it(take_in):
    later = (timezone.now() + timedelta(days=3)).replace(microsecond=0)
    scheduled = changed("tools.0.status", "scheduled")
    scheduled["tools"][0]["published_at"] = later.isoformat()
    take_in(scheduled)
    assert take_in(scheduled) == "Nothing to change.\n"
    del scheduled["tools"][0]["status"], scheduled["tools"][0]["published_at"]
    assert take_in(scheduled) == "Nothing to change.\n"
    tool = Tool.objects.get(slug="anvil")
    assert (tool.status, tool.published_at) == ("scheduled", later)
    take_in(changed("tools.0.status", "published"))
    assert Tool.objects.published().filter(slug="anvil").exists()


@pytest.mark.parametrize("status", ["draft", "in_review"])
@pytest.mark.django_db
def test_what_readers_have_seen_cannot_be_called_unpublished_again(status, take_in, refusal):
    take_in(catalog())
    document = changed("tools.0.status", status)
    document["tools"][0]["reviews"][0]["status"] = status
    document["comparisons"][0]["status"] = status
    words = f"What is published cannot become {status.replace('_', ' ')}."
    assert refusal(document) == [
        f"tools[0].status: {words}",
        f"tools[0].reviews[0].status: {words}",
        f"comparisons[0].status: {words}",
    ]


@pytest.mark.django_db
def test_each_step_of_a_history_has_to_follow_the_one_before(refusal):
    history = [
        review("builder"),
        review("skeptic"),
        review("builder", verdict="skip", status="draft"),
    ]
    document = changed("tools.0.reviews", history)
    document["tools"][1]["reviews"] = [review("builder"), review("builder", status="in_review")]
    assert refusal(document) == [
        "tools[0].reviews[2].status: What is published cannot become draft.",
        "tools[1].reviews[1].status: What is published cannot become in review.",
    ]


@pytest.mark.django_db
def test_a_misstep_is_told_beside_what_else_is_wrong_with_the_tool(refusal):
    document = changed("tools.0.reviews", [review("builder"), review("builder", status="draft")])
    document["tools"][0]["reviews"].append(review("skeptic", score=140))
    assert refusal(document) == [
        "tools[0].reviews[2].score: 140 is not between 0 and 100",
        "tools[0].reviews[1].status: What is published cannot become draft.",
    ]


@pytest.mark.django_db
def test_a_history_that_ends_where_its_review_cannot_go_at_once_is_refused(take_in, refusal):
    take_in(changed("tools.0.reviews", [review("builder")]))
    history = [
        review("builder"),
        review("builder", status="withdrawn", reason="Too old."),
        review("builder", status="draft", body="Anew."),
    ]
    assert refusal(changed("tools.0.reviews", history)) == [
        "tools[0].reviews[2].status: What is published cannot become draft."
    ]


@pytest.mark.django_db
def test_a_history_from_draft_to_withdrawn_is_taken_in_step_by_step(take_in):
    history = [
        review("builder", status="draft"),
        review("builder", status="published"),
        review("builder", status="withdrawn", reason="Too old."),
    ]
    document = changed("tools.0.reviews", history)
    take_in(document)
    assert list(Revision.objects.values_list("status", flat=True)) == [
        "draft",
        "published",
        "withdrawn",
    ]
    assert take_in(document) == "Nothing to change.\n"


@pytest.mark.django_db
def test_an_exported_history_from_draft_to_published_is_published_where_it_is_taken_in(take_in):
    history = [review("builder", status="draft"), review("builder", status="published")]
    take_in(changed("tools.0.reviews", history))
    exported = call_and_read("export_catalog", "--history")
    Comparison.objects.all().delete()
    Tool.objects.all().delete()
    take_in(json.loads(exported))
    assert Review.objects.get().status == "published"
    assert call_and_read("export_catalog", "--history") == exported


@pytest.mark.parametrize("kind", ["review", "tool"])
@pytest.mark.django_db
def test_what_somebody_publishes_between_check_and_writing_is_refused_by_name(kind, take_in):
    document = catalog()
    document["tools"][0]["status"] = "draft"
    document["tools"][0]["reviews"] = [review("builder", status="draft")]
    take_in(document)
    of_tool = document["tools"][0]
    (of_tool if kind == "tool" else of_tool["reviews"][0])["status"] = "in_review"

    def watch(items, what):
        if what == "Importing tools":
            tool = Tool.objects.get(slug="anvil")
            row = tool if kind == "tool" else tool.reviews.get()
            row.become(Status.PUBLISHED)
            row.save()
        return items

    with pytest.raises(RefusedError) as refused:
        import_document(document, Changes(), watch=watch)
    name = "tool anvil" if kind == "tool" else "review anvil/builder"
    assert refused.value.problems == [
        f"{name}: What is published cannot become in review. Somebody has moved it meanwhile."
    ]


@pytest.mark.parametrize(
    ("status", "published_at", "problem"),
    [
        ("scheduled", None, "what is scheduled needs its published_at"),
        ("draft", "2026-12-01T09:00:00Z", "only what is scheduled has a published_at"),
    ],
)
@pytest.mark.django_db
def test_what_is_scheduled_and_nothing_else_says_from_when_on(
    status, published_at, problem, refusal
):
    document = changed("tools.0.status", status)
    if published_at:
        document["tools"][0]["published_at"] = published_at
    assert refusal(document) == [f"tools[0]: {problem}"]


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_tools(take_in):
    def tools(numbers):
        one = catalog()["tools"][0]
        names = [f"{one['slug']}-{number}" for number in numbers]
        return catalog() | {"tools": [one | {"slug": name} for name in names], "comparisons": []}

    def queries(document):
        count = 0

        def watch(execute, *arguments):
            nonlocal count
            count += 1
            return execute(*arguments)

        with connection.execute_wrapper(watch):
            take_in(document)
        return count

    take_in(catalog())
    assert queries(tools(range(2))) == queries(tools(range(10, 50)))


@pytest.mark.django_db
def test_rows_are_locked_in_the_order_in_which_every_writer_locks_them(take_in):
    take_in(catalog())
    document = catalog()
    document["tools"][0]["plans"].reverse()
    with CaptureQueriesContext(connection) as queries:
        take_in(document)
    locks = [query["sql"] for query in queries if "FOR NO KEY UPDATE" in query["sql"]]
    assert any('FROM "tools_plan"' in lock for lock in locks)
    assert [lock for lock in locks if not re.search(r'ORDER BY (1|"\w+"\."id") ASC', lock)] == []


# The dry run, the empty site, and the end


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
def running_import(path: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the command as a process of its own on the test's database."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, connection.settings_dict["NAME"], "import_catalog", path],
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
        with running_import(written(document)) as process:
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
        with running_import(written(catalog())) as process:
            wait_for_a_blocked_writer()
            transaction.commit()
            _, error = process.communicate(timeout=30)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert error.startswith("CommandError: The database refused it (duplicate key value")
    assert not Category.objects.filter(slug="agents").exists()
