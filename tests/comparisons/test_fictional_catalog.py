"""The made-up catalog: always the same, of any size, and accepted by the import."""

import io
import json
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tools.models import Tool


def fictional(count: object) -> str:
    out = io.StringIO()
    call_command("fictional_catalog", str(count), stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """A catalog of four hundred tools."""
    return json.loads(fictional(400))


def test_it_is_the_same_every_time():
    assert fictional(30) == fictional(30)


def test_a_tool_is_the_same_however_many_others_there_are(document):
    few = json.loads(fictional(30))["tools"]
    for one, same in zip(few, document["tools"], strict=False):
        assert one | {"vendor": ""} == same | {"vendor": ""}


@pytest.mark.parametrize(("tools", "comparisons"), [(0, 0), (1, 0), (9, 0), (10, 1), (400, 40)])
def test_it_has_as_many_tools_as_asked_for_and_a_tenth_as_many_comparisons(tools, comparisons):
    document = json.loads(fictional(tools))
    assert (len(document["tools"]), len(document["comparisons"])) == (tools, comparisons)
    assert len(document["categories"]) == 20


@pytest.mark.parametrize("count", ["-1", "many", "1.5", "٣", "99999999"])
def test_what_is_no_number_of_tools_is_refused(count):
    with pytest.raises(CommandError, match="is not a number of tools"):
        fictional(count)


def test_most_panels_are_full_and_some_have_few_reviews_or_none(document):
    sizes = [len(tool["reviews"]) for tool in document["tools"]]
    assert set(sizes) == {0, 1, 2, 3, 4}
    assert sizes.count(4) > 300


def test_there_are_agreements_splits_and_unknown_scores(document):
    full = [tool["reviews"] for tool in document["tools"] if len(tool["reviews"]) == 4]
    ships = {sum(review["verdict"] == "ship" for review in panel) for panel in full}
    assert ships == {0, 1, 2, 3, 4}
    assert any("score" not in review for panel in full for review in panel)


def test_arguments_have_the_length_of_real_ones(document):
    lengths = [
        len(review["body"].split()) for tool in document["tools"] for review in tool["reviews"]
    ]
    assert min(lengths) >= 55
    assert max(lengths) <= 140
    assert len(set(lengths)) > 30


def test_every_tool_carries_a_number_and_says_that_it_is_made_up(document):
    for number, tool in enumerate(document["tools"]):
        assert re.search(rf" {number:04d}$", tool["name"])
        assert "is made up" in tool["description"]


@pytest.mark.django_db
def test_the_import_accepts_it(document, tmp_path):
    path = tmp_path / "catalog.json"
    path.write_text(fictional(60))
    call_command("import_catalog", str(path), stdout=io.StringIO())
    assert Tool.objects.published().count() == 60
    out = io.StringIO()
    call_command("import_catalog", str(path), stdout=out)
    assert out.getvalue() == "Nothing to change.\n"
