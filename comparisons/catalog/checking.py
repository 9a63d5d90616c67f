"""What is wrong with a document, all of it at once, each with its place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from tools.models import Category, Tool, Vendor

from .document import SECTIONS, Document, broken_rules
from .loading import RepeatedKeys
from .wording import located, shown

Item = TypeVar("Item")
#: Passes on what it is given, and may show how far that has come.
Watch = Callable[[Sequence[Item], str], Iterable[Item]]


def unwatched(items: Sequence[Item], what: str) -> Iterable[Item]:
    """Pass the items on, and show nothing."""
    return items


@dataclass(frozen=True)
class Known:
    """The keys of the rows that a document may refer to, by slug."""

    vendors: dict[str, int]
    categories: dict[str, int]
    tools: dict[str, int]

    @classmethod
    def kept(cls) -> Self:
        """Return what is in the database now."""
        return cls(
            vendors=dict(Vendor.objects.values_list("slug", "pk")),
            categories=dict(Category.objects.values_list("slug", "pk")),
            tools=dict(Tool.objects.values_list("slug", "pk")),
        )


def problems(document: Any, known: Known, watch: Watch[Any] = unwatched) -> Iterator[str]:
    """Say what is wrong with a document, in its order: `tools[0].name: missing`.

    References may lead to what is `known` as well as to entries of the document, however broken
    those are otherwise, so that one mistake is told once.
    """
    yield from _repeated_keys(document)
    yield from broken_rules(Document, document, "")
    sections = {
        name: value
        for name in SECTIONS
        if isinstance(document, dict) and isinstance(value := document.get(name), list)
    }
    for name in ("categories", "vendors", "tools"):
        yield from _used_twice(sections.get(name, []), "slug", name)
    names = {
        "vendor": _names(sections.get("vendors", []), known.vendors),
        "category": _names(sections.get("categories", []), known.categories),
        "tool": _names(sections.get("tools", []), known.tools),
    }
    for name, items in sections.items():
        for number, item in enumerate(watch(items, f"Checking {name}")):
            place = located(name, (number,))
            yield from broken_rules(SECTIONS[name], item, place)
            if name == "tools":
                yield from _tool_problems(item, place, names)
            elif name == "comparisons":
                yield from _comparison_problems(item, place, names)
    yield from _pairs_used_twice(sections.get("comparisons", []))


def _tool_problems(tool: object, place: str, names: Mapping[str, set[str]]) -> Iterator[str]:
    yield from _leads_nowhere(tool, "vendor", place, "vendor", names)
    yield from _leads_nowhere(tool, "category", place, "category", names)
    plans = tool.get("plans") if isinstance(tool, dict) else None
    if isinstance(plans, list):
        yield from _used_twice(plans, "label", f"{place}.plans")


def _comparison_problems(
    comparison: object, place: str, names: Mapping[str, set[str]]
) -> Iterator[str]:
    yield from _leads_nowhere(comparison, "left", place, "tool", names)
    yield from _leads_nowhere(comparison, "right", place, "tool", names)
    left, right = _text(comparison, "left"), _text(comparison, "right")
    if left is not None and left == right:
        yield f"{place}.right: {shown(right)} is compared with itself"


def _leads_nowhere(
    item: object, key: str, place: str, kind: str, names: Mapping[str, set[str]]
) -> Iterator[str]:
    """Say so when a reference is to nothing."""
    slug = _text(item, key)
    if slug is not None and slug not in names[kind]:
        yield f"{place}.{key}: {shown(slug)} is no {kind} of the document or the database"


def _used_twice(items: list[Any], key: str, place: str) -> Iterator[str]:
    """Name each later use of a value that may be used once, and the first one."""
    first: dict[str, int] = {}
    for number, item in enumerate(items):
        value = _text(item, key)
        if value is None:
            continue
        if value in first:
            here, there = f"{place}[{number}].{key}", f"{place}[{first[value]}]"
            yield f"{here}: {shown(value)} is used already by {there}"
        else:
            first[value] = number


def _pairs_used_twice(comparisons: list[Any]) -> Iterator[str]:
    """Name each later comparison of a pair, in either order, and the first one."""
    first: dict[frozenset[str], int] = {}
    for number, item in enumerate(comparisons):
        left, right = _text(item, "left"), _text(item, "right")
        if left is None or right is None or left == right:
            continue
        pair = frozenset((left, right))
        if pair in first:
            yield (
                f"comparisons[{number}]: {shown(left)} and {shown(right)} "
                f"are compared already by comparisons[{first[pair]}]"
            )
        else:
            first[pair] = number


def _repeated_keys(document: object) -> Iterator[str]:
    """Name every key that stands twice in its object; a loop, because nesting may be deep."""
    waiting: list[tuple[str, object]] = [("", document)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, RepeatedKeys):
            for key in value.repeated:
                yield f"{located(place, (key,))}: this key stands more than once"
        steps: Iterable[tuple[str | int, object]] = ()
        if isinstance(value, dict):
            steps = value.items()
        elif isinstance(value, list):
            steps = enumerate(value)
        inside = [
            (located(place, (step,)), inner)
            for step, inner in steps
            if isinstance(inner, dict | list)
        ]
        waiting += reversed(inside)


def _names(items: list[Any], known: Mapping[str, int]) -> set[str]:
    return {slug for item in items if (slug := _text(item, "slug")) is not None} | known.keys()


def _text(item: object, key: str) -> str | None:
    """Return a text of an entry whose other keys may all be broken, None where there is none."""
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, str) else None
