"""What is wrong with a document, all of it at once, each with its place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import F

from comparisons.models import Comparison
from reviews.models import Review
from reviews.writing import Statement
from tools.models import Category, Tool, Vendor
from tools.sequences import continuation
from tools.status import Status, check_move, stage_of

from .document import SECTIONS, Document, Entry, ReviewEntry, ToolEntry, read
from .loading import RepeatedKeys
from .wording import located, shown

#: How many tools (or others) are looked at or written in one go, and so kept in memory beside the
#: document.
BATCH = 250

Item = TypeVar("Item")
#: Reviews by the tool's slug and the persona.
KeptReviews = Mapping[tuple[str, str], Review]
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

    # How far everything has come. Looked up when an entry asks: most documents only publish, which
    # everything may.

    @cached_property
    def tool_stages(self) -> dict[str, Status]:
        """The stages of tools, by slug."""
        rows = Tool.objects.values_list("slug", "status", "published_at")
        return {slug: stage_of(status, at) for slug, status, at in rows}

    @cached_property
    def comparison_stages(self) -> dict[frozenset[str], Status]:
        """The stages of comparisons, by the slugs of their tools."""
        rows = Comparison.objects.values_list("left__slug", "right__slug", "status", "published_at")
        return {frozenset((left, right)): stage_of(status, at) for left, right, status, at in rows}

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
    yield from read(Document, document, "")[1]
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
    kept: KeptReviews = {}
    for name, items in sections.items():
        for number, item in enumerate(watch(items, f"Checking {name}")):
            place = located(name, (number,))
            entry, broken = read(SECTIONS[name], item, place)
            yield from broken
            if name == "tools":
                if number % BATCH == 0:
                    kept = _kept_reviews(items[number : number + BATCH], known)
                yield from _tool_problems(item, place, names)
                yield from _tool_move(item, place, known)
                yield from _review_problems(item, entry, place, kept)
            elif name == "comparisons":
                yield from _comparison_problems(item, place, names)
                yield from _comparison_move(item, place, known)
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


def _tool_move(tool: object, place: str, known: Known) -> Iterator[str]:
    """Say so when a tool cannot take the status that it names."""
    if status := _other_status(tool):
        for problem in _forbidden(known.tool_stages.get(_text(tool, "slug") or ""), status):
            yield f"{place}.{problem}"


def _kept_reviews(tools: list[Any], known: Known) -> KeptReviews:
    """Return the reviews of these tools, with their revisions."""
    slugs = [slug for tool in tools if (slug := _text(tool, "slug")) in known.tools]
    if not slugs:
        return {}
    reviews: Any = Review.objects.filter(tool__slug__in=slugs).defer("body_html")
    reviews = reviews.annotate(slug=F("tool__slug")).prefetch_related("revisions")
    return {(review.slug, review.persona): review for review in reviews}


def _review_problems(
    tool: object, entry: Entry | None, place: str, kept: KeptReviews
) -> Iterator[str]:
    """Say so when a review cannot go the way that a persona's entries tell."""
    told = tool.get("reviews") if isinstance(tool, dict) else None
    if not isinstance(told, list):
        return
    slug = _text(tool, "slug") or ""
    entries: list[ReviewEntry | None]
    if isinstance(entry, ToolEntry):
        entries = list(entry.reviews)
    else:  # Something is wrong with the tool, and maybe not with its reviews.
        entries = [read(ReviewEntry, review, "")[0] for review in told]
    histories: dict[str | None, list[int]] = {}
    for number, review in enumerate(told):
        histories.setdefault(_text(review, "persona"), []).append(number)
    problems: list[tuple[int, str]] = []
    for persona, numbers in histories.items():
        history = [review for number in numbers if (review := entries[number])]
        if persona and len(history) == len(numbers):
            standing = kept.get((slug, persona))
            problems += [(numbers[step], problem) for step, problem in _missteps(history, standing)]
    for number, problem in sorted(problems):
        yield f"{place}.reviews[{number}].{problem}"


def _missteps(history: list[ReviewEntry], review: Review | None) -> Iterator[tuple[int, str]]:
    """Name the steps of a persona's history that cannot be, by their position in it.

    A step cannot be where its status cannot follow, or where it changes what readers see by now
    and does not say why. Steps that the review has made already are fine.
    """
    kept = list(review.revisions.all()) if review else []
    told = [entry.of(review.tool_id if review else 0) for entry in history]
    news = continuation(kept, told, lambda text, said: said.repeats(text))
    start = stage = review.stage if review else None
    # What readers saw before the import; a history that is all new to them explains itself.
    seen: Review | Statement | None = review if review and review.is_public else None
    for step, said in enumerate(told[len(told) - len(news) :], len(told) - len(news)):
        to = said.stage or stage or Status.PUBLISHED
        # The row itself goes all the way at once, which has to be a move, too.
        last = step == len(told) - 1
        problems = [*_forbidden(stage, to), *(_forbidden(start, to) if last else [])]
        if problems:
            yield step, problems[0]
            return
        change = _change(seen, said, stage, to) if seen else None
        if change and not (said.reason or "").strip():
            yield step, f"reason: say why {change}; readers see it"
        if seen and to == Status.PUBLISHED:
            seen = said
        stage = to


def _change(
    seen: Review | Statement, said: Statement, stage: Status | None, to: Status
) -> str | None:
    """Say what changes for readers and needs a reason, as in the desk; None if nothing does."""
    if to == Status.WITHDRAWN and stage == Status.PUBLISHED:
        return "it is withdrawn"
    if to == Status.PUBLISHED and said.verdict != seen.verdict:
        return "the verdict changes"
    if to == Status.PUBLISHED and said.score != seen.score:
        return "the score changes"
    return None


def _comparison_move(comparison: object, place: str, known: Known) -> Iterator[str]:
    """Say so when a comparison cannot take the status that it names."""
    if status := _other_status(comparison):
        pair = frozenset(_text(comparison, side) or "" for side in ("left", "right"))
        for problem in _forbidden(known.comparison_stages.get(pair), status):
            yield f"{place}.{problem}"


def _other_status(item: object) -> Status | None:
    """Return the status that an entry names, unless it is one that everything can take."""
    status = _text(item, "status")
    return Status(status) if status in Status.values and status != Status.PUBLISHED else None


def _forbidden(stage: Status | None, to: Status) -> Iterator[str]:
    """Say so when what stands there, if anything does, may not become this."""
    if stage:
        try:
            check_move(stage, to)
        except ValidationError as error:
            yield f"status: {error.message}"


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
