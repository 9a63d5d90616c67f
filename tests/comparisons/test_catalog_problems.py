"""What is wrong with a catalog document, told with its place."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.documents import PRICE, catalog, changed, without
from tools.models import Category

STATUSES = "draft, in_review, scheduled, published, withdrawn"

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
