"""Writing a document into the database, all of it or nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, reset_queries, transaction

from comparisons.models import Comparison
from reviews.models import Review
from reviews.writing import ReviewMoveError, record_reviews
from tools.markdown import RenderedMarkdownField
from tools.models import Category, Plan, Tool, Vendor
from tools.pricing import describe_price
from tools.publishing import acting, may
from tools.recording import Quote, record_prices
from tools.slugs import VERSUS
from tools.status import Publishable, Status, stage_of

from .changes import Changes
from .checking import BATCH, Known, Watch, problems, unwatched
from .document import CategoryEntry, ComparisonEntry, Entry, PlanEntry, ToolEntry, VendorEntry

#: Why a move that the check allowed is none any more.
MEANWHILE = "Somebody has moved it meanwhile."

RowT = TypeVar("RowT", bound=models.Model)
KeyT = TypeVar("KeyT")
EntryT = TypeVar("EntryT", bound=Entry)
Values = Mapping[str, Any]


class RefusedError(Exception):
    """The document breaks rules; `problems` has a line for each, with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(*problems)
        self.problems = problems


def may_import(user: Any) -> bool:
    """Whether a user may take documents in, which write and publish at once."""
    return all(
        may(user, act, kind)
        for kind in (Tool, Review, Comparison)
        for act in ("add", "change", "publish")
    )


def import_document(
    document: Any,
    changes: Changes,
    *,
    dry_run: bool = False,
    watch: Watch[Any] = unwatched,
    by: Any = None,
    most_problems: int | None = None,
) -> None:
    """Check a document and write what it says, in one transaction, in the name of a user.

    What is added and changed is noted in `changes`. With `dry_run` it is written, noted and
    undone, so that a dry run cannot say anything else than the real one. The check stops at
    `most_problems`, where a number is given.

    Raises PermissionDenied when the user may not import, RefusedError when the document breaks a
    rule or somebody meanwhile moved what it moves, and DatabaseError when somebody else's writing
    came between; nothing is written then.
    """
    if by is not None and not may_import(by):
        raise PermissionDenied(f"{by} may not import.")
    with acting(by, "Import of a catalog document" if by else ""):
        known = Known.kept()
        if found := list(islice(problems(document, known, watch), most_problems)):
            raise RefusedError(found)
        _write(document, known, changes, watch, by)
        if dry_run:
            transaction.set_rollback(True)


def _write(
    document: dict[str, Any], known: Known, changes: Changes, watch: Watch[Any], by: Any
) -> None:
    def batches(section: str, entry: type[EntryT]) -> Iterator[list[EntryT]]:
        return _batches(watch(document.get(section, []), f"Importing {section}"), entry)

    for categories in batches("categories", CategoryEntry):
        _write_categories(categories, known, changes)
    for vendors in batches("vendors", VendorEntry):
        _write_vendors(vendors, known, changes)
    for tools in batches("tools", ToolEntry):
        _write_tools(tools, known, changes, by)
    for comparisons in batches("comparisons", ComparisonEntry):
        _write_comparisons(comparisons, known, changes)


def _batches(items: Iterable[object], entry: type[EntryT]) -> Iterator[list[EntryT]]:
    """Read entries a batch at a time, so that they are never all kept beside the document."""
    iterator = iter(items)
    while batch := [entry.model_validate(item) for item in islice(iterator, BATCH)]:
        yield batch
        if settings.DEBUG:  # Django keeps every statement then, with all the texts in it.
            reset_queries()


def _write_categories(entries: list[CategoryEntry], known: Known, changes: Changes) -> None:
    told = {entry.slug: entry.named("slug", "name", "description") for entry in entries}
    rows = _write_by_slug(Category, told, changes)
    known.categories.update({slug: row.pk for slug, row in rows.items()})


def _write_vendors(entries: list[VendorEntry], known: Known, changes: Changes) -> None:
    told = {entry.slug: entry.named("slug", "name", "website") for entry in entries}
    rows = _write_by_slug(Vendor, told, changes)
    known.vendors.update({slug: row.pk for slug, row in rows.items()})


def _write_tools(entries: list[ToolEntry], known: Known, changes: Changes, by: Any) -> None:
    """Write tools with everything that belongs to them."""
    told = {
        entry.slug: {
            **entry.named("slug", "name"),
            "vendor_id": known.vendors[entry.vendor],
            "category_id": known.categories[entry.category],
            **entry.named(
                "tagline", "description", "website", "released_on", "status", "published_at"
            ),
        }
        for entry in entries
    }
    rows = _write_by_slug(Tool, told, changes)
    known.tools.update({slug: row.pk for slug, row in rows.items()})
    plans = _write_plans(entries, rows, changes)
    _write_prices(entries, plans, changes)
    _write_reviews(entries, rows, changes, by)


def _write_plans(
    entries: list[ToolEntry], tools: Mapping[str, Tool], changes: Changes
) -> dict[tuple[str, str], Plan]:
    """Write the tools' plans, and return them by the tool's slug and their label."""
    slugs = {tool.pk: slug for slug, tool in tools.items()}
    # Sorted here, because the rows have to be locked in the order of every other writer.
    plans = sorted(_locked(Plan, tool__in=slugs), key=lambda plan: (plan.position, plan.pk))
    kept = {(slugs[plan.tool_id], plan.label): plan for plan in plans}
    labels: dict[str, list[str]] = {slug: [] for slug in tools}
    for slug, label in kept:
        labels[slug].append(label)
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        for label, position in _positions(labels[entry.slug], entry.plans).items():
            told[entry.slug, label] = {"position": position}
        for plan in entry.plans:
            key = entry.slug, plan.label
            told[key] = {
                "tool_id": tools[entry.slug].pk,
                "label": plan.label,
                "kind": plan.kind,
                **told.get(key, {}),
            }
    return _write_rows(Plan, kept, told, lambda key: "/".join(key), changes)


def _positions(kept: list[str], plans: list[PlanEntry]) -> dict[str, int]:
    """Return the positions that a tool's plans take, by label; none if the order stays as it is.

    Plans that the document leaves out keep their place. Those that it gives take the other places
    and those behind them, in its order.
    """
    named = [plan.label for plan in plans]
    waiting = iter(named)
    wanted = [next(waiting) if label in named else label for label in kept]
    wanted += waiting
    return {label: number for number, label in enumerate(wanted)} if wanted != kept else {}


def _write_prices(
    entries: list[ToolEntry], plans: Mapping[tuple[str, str], Plan], changes: Changes
) -> None:
    names = {plan.pk: f"{slug}/{label}" for (slug, label), plan in plans.items()}
    optional = ("currency", "period", "unit", "effective_on", "checked_on", "source_url")
    quotes = (
        Quote(plans[entry.slug, plan.label].pk, price.amount, **price.named(*optional))
        for entry in entries
        for plan in entry.plans
        for price in plan.prices
    )
    for recorded in record_prices(quotes):
        name = names[recorded.price.plan_id]
        price = recorded.price
        if recorded.change == "added":
            words = f"added {describe_price(price)} from {price.effective_on}"
            changes.note("price", name, "added", words)
        else:
            changes.note("price", name, "changed", f"checked again on {price.checked_on}")


def _write_reviews(
    entries: list[ToolEntry], tools: Mapping[str, Tool], changes: Changes, by: Any
) -> None:
    slugs = {tool.pk: slug for slug, tool in tools.items()}
    statements = (review.of(tools[entry.slug].pk) for entry in entries for review in entry.reviews)
    try:
        news = record_reviews(statements, by=by)
    except ReviewMoveError as error:
        name = f"review {slugs[error.tool_id]}/{error.persona}"
        raise RefusedError([f"{name}: {error.message} {MEANWHILE}"]) from error
    for written in news:
        if written.change == "unchanged":
            continue
        words: str = written.change
        if written.change == "changed" and written.verdict != written.previous_verdict:
            words += f" ({written.previous_verdict} → {written.verdict})"
        name = f"{slugs[written.tool_id]}/{written.persona}"
        changes.note("review", name, written.change, words)


def _write_comparisons(entries: list[ComparisonEntry], known: Known, changes: Changes) -> None:
    """Write comparisons. A pair is one in either order, and takes the order of the document."""
    told = {}
    names = {}
    for entry in entries:
        left_id, right_id = known.tools[entry.left], known.tools[entry.right]
        pair = frozenset((left_id, right_id))
        told[pair] = {
            "left_id": left_id,
            "right_id": right_id,
            **entry.named("summary", "status", "published_at"),
        }
        names[pair] = f"{entry.left}{VERSUS}{entry.right}"
    tool_ids = frozenset[int]().union(*told)
    kept = {
        frozenset((row.left_id, row.right_id)): row
        for row in _locked(Comparison, left__in=tool_ids, right__in=tool_ids)
    }
    _write_rows(Comparison, kept, told, names.__getitem__, changes)


# Rows of any kind: those that are kept are changed where they differ, the others are added


def _write_by_slug(
    model: type[RowT], told: Mapping[str, Values], changes: Changes
) -> dict[str, RowT]:
    kept = {
        row.slug: row  # type: ignore[attr-defined]  # each model here has one
        for row in _locked(model, slug__in=told)
    }
    return _write_rows(model, kept, told, str, changes)


def _locked(model: type[RowT], **condition: object) -> models.QuerySet[RowT]:
    """Return the rows in question, which nobody else can change before the import ends."""
    # Always in the same order, so that no two writers wait for each other.
    rows = model._default_manager.filter(**condition)
    return rows.order_by("pk").select_for_update(no_key=True)


def _write_rows(
    model: type[RowT],
    kept: Mapping[KeyT, RowT],
    told: Mapping[KeyT, Values],
    name: Callable[[KeyT], str],
    changes: Changes,
) -> dict[KeyT, RowT]:
    """Make rows say what was told; return those that were kept and those that were added.

    Raises RefusedError where a row cannot take the status that it is told.
    """
    kind = str(model._meta.verbose_name)
    rows = dict(kept)
    for key, values in told.items():
        if key not in kept:
            rows[key] = _new(model, values)
            changes.note(kind, name(key), "added", "added")
            continue
        try:
            changed = _change(kept[key], values)
        except ValidationError as error:
            raise RefusedError([f"{kind} {name(key)}: {error.message} {MEANWHILE}"]) from error
        if changed:
            words = ", ".join(column.removesuffix("_id") for column in changed)
            changes.note(kind, name(key), "changed", f"{words} changed")
    model._default_manager.bulk_create([rows[key] for key in told if key not in kept])
    return rows


def _new(model: type[RowT], values: Values) -> RowT:
    """Return a row that is still to be saved; what nobody says otherwise is published."""
    if not issubclass(model, Publishable):
        return model(**values)
    row = model(**{"status": Status.PUBLISHED, **values})
    row.date_publication()
    return row


def _change(row: models.Model, values: Values) -> list[str]:
    """Make a row say this, and return the columns in which it did not yet."""
    if isinstance(row, Publishable):
        values = dict(values)
        changed = _move(row, values.pop("status", None), values.pop("published_at", None))
    else:
        changed = []
    columns = [column for column, value in values.items() if getattr(row, column) != value]
    for column in columns:
        setattr(row, column, values[column])
    if changed := columns + changed:
        row.save(update_fields=[*changed, *_following(row, changed)])
    return changed


def _move(row: Publishable, status: str | None, published_at: datetime | None) -> list[str]:
    """Move a row to the status that a document names, if it is not there yet."""
    to = stage_of(status, published_at) if status else row.stage
    if to == row.stage and (to != Status.SCHEDULED or published_at in (None, row.published_at)):
        return []
    row.become(to, published_at)
    return ["status"]


def _following(row: models.Model, changed: list[str]) -> Iterator[str]:
    """Name the columns that a row fills in by itself when these ones change."""
    for field in row._meta.concrete_fields:
        if isinstance(field, RenderedMarkdownField) and field.source in changed:
            yield field.attname
    if isinstance(row, Publishable):
        yield from ("published_at", "updated_at")
