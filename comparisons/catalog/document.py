"""The format of the catalog document: what each entry may hold, in the order it is written.

An entry knows what is wrong with itself; what entries promise each other is in `checking`.
Everything here is strict: a number in quotes is not a number. Keys with a default may be left out,
and `model_fields_set` tells those that were.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, TypeVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import URLValidator
from django.db.models import Choices, Model
from django.utils import timezone
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)  # fmt: skip

from reviews.models import Review
from reviews.personas import Persona
from reviews.scorecards import Evidence, Verdict
from reviews.writing import Statement
from tools import markdown, slugs
from tools.models import Category, Plan, Price, Tool, Vendor
from tools.pricing import Period, PlanKind
from tools.status import Status

from .wording import located, shown

FORMAT = "shiporskip/1"

# What each value has to be. A rule returns the value or raises ValueError with the message.

Rule = Callable[[Any], Any]
EntryT = TypeVar("EntryT", bound="Entry")


def _storable(value: str) -> str:
    """Refuse what Postgres cannot keep: NUL, and halves of a character that UTF-8 cannot carry."""
    if "\x00" in value:
        raise ValueError("a text cannot hold the character NUL (\\u0000)")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = shown(value[error.start]).strip('"')
        raise ValueError(f"a text cannot hold half a character ({half})") from error
    return value


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value


def _at_most(longest: int) -> Rule:
    def check(value: str) -> str:
        if len(value) > longest:
            raise ValueError(f"has {len(value)} characters, and {longest} are the most")
        return value

    return check


def _fits(model: type[Model], field: str) -> AfterValidator:
    """Return the rule that a text fits into a column."""
    longest = getattr(model._meta.get_field(field), "max_length", None)
    return AfterValidator(_at_most(longest or markdown.MAX_LENGTH))


def _one_of(choices: type[Choices]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in choices.values:
            allowed = ", ".join(value or '""' for value in choices.values)
            raise ValueError(f"{shown(value)} is not one of {allowed}")
        return value

    return AfterValidator(check)


def _markdown(value: str) -> str:
    text = _at_most(markdown.MAX_LENGTH)(markdown.normal_text(value))
    try:
        markdown.validate_markdown(text)
    except DjangoValidationError as error:
        raise ValueError(error.message) from error
    return str(text)


def _slug(value: str) -> str:
    if len(value) > slugs.MAX_LENGTH:
        return str(_at_most(slugs.MAX_LENGTH)(value))
    # A whole match, because `$` alone would let a line break at the end pass.
    if not re.fullmatch(slugs.SHAPE, value):
        raise ValueError(f"{shown(value)} is not a slug. {slugs.EXPLANATION}")
    return value


def _address(value: str) -> str:
    if value:
        try:
            URLValidator(schemes=["http", "https"])(value)
        except DjangoValidationError as error:
            raise ValueError(f"{shown(value)} is not an http or https address") from error
    return value


def _date(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{shown(value)} is not a day of the calendar") from error
    raise ValueError(f'{shown(value)} is not a date such as "2026-05-22"')


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment and moment.tzinfo:
            return moment
    raise ValueError(f'{shown(value)} is not a moment such as "2026-12-01T09:00:00Z"')


def _not_ahead(value: date) -> date:
    if value > timezone.localdate():
        raise ValueError(f'"{value}" has not come yet')
    return value


def _amount(value: object) -> Decimal:
    """Read a decimal string. A float has lost the exact amount already, so it is refused."""
    if not isinstance(value, str):
        raise ValueError(f'{shown(value)} is not an amount in quotes such as "20.00"')
    if re.fullmatch(r"-[0-9.]+", value):
        raise ValueError(f"{shown(value)} is negative")
    parts = re.fullmatch(r"([0-9]+)(?:\.([0-9]+))?", value)
    if not parts:
        raise ValueError(f'{shown(value)} is not an amount such as "20.00"')
    amount = Price._meta.get_field("amount")
    decimals, whole = amount.decimal_places, amount.max_digits - amount.decimal_places
    if len(parts[1]) > whole or len(parts[2] or "") > decimals:
        raise ValueError(
            f"{shown(value)} has more than {whole} digits before the point or {decimals} after it"
        )
    return Decimal(value)


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError(f"{shown(value)} is not a currency of three capital letters such as USD")
    return value


def _score(value: int) -> int:
    if not 0 <= value <= 100:
        raise ValueError(f"{shown(value)} is not between 0 and 100")
    return value


Text = Annotated[str, AfterValidator(_storable)]
Needed = Annotated[Text, AfterValidator(_not_empty)]
Slug = Annotated[str, AfterValidator(_slug)]
Address = Annotated[Text, AfterValidator(_address)]
Day = Annotated[date, BeforeValidator(_date)]
PastDay = Annotated[Day, AfterValidator(_not_ahead)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Score = Annotated[int, AfterValidator(_score)]
Markdown = Annotated[Text, AfterValidator(_markdown)]


# The default of a key that, left out, takes its value from what is kept, or from today. `null` is
# refused all the same, because a default is not validated.
LEFT_OUT: Any = None


class Entry(BaseModel):
    """Anything that is an object in the document."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    def named(self, *keys: str) -> dict[str, Any]:
        """Return the values of those of these keys that the document names."""
        return {key: getattr(self, key) for key in keys if key in self.model_fields_set}


class PublishedEntry(Entry):
    """Anything that has a status. What is scheduled says from when on readers see it."""

    status: Annotated[str, _one_of(Status)] = Status.PUBLISHED
    published_at: Moment = LEFT_OUT

    @model_validator(mode="after")
    def _is_dated_if_scheduled(self) -> Self:
        if self.status == Status.SCHEDULED and self.published_at is None:
            raise ValueError("what is scheduled needs its published_at")
        if self.status != Status.SCHEDULED and self.published_at is not None:
            raise ValueError("only what is scheduled has a published_at")
        return self


class CategoryEntry(Entry):
    """A category."""

    slug: Slug
    name: Annotated[Needed, _fits(Category, "name")]
    description: Markdown = ""


class VendorEntry(Entry):
    """A vendor."""

    slug: Slug
    name: Annotated[Needed, _fits(Vendor, "name")]
    website: Annotated[Address, _fits(Vendor, "website")] = ""


class PriceEntry(Entry):
    """A plan's amount from a day on; a price without its amount would say nothing."""

    amount: Amount
    currency: Annotated[str, AfterValidator(_currency)] = LEFT_OUT
    period: Annotated[str, _one_of(Period)] = LEFT_OUT
    unit: Annotated[Text, _fits(Price, "unit")] = LEFT_OUT
    effective_on: Day = LEFT_OUT
    checked_on: PastDay = LEFT_OUT
    source_url: Annotated[Address, _fits(Price, "source_url")] = LEFT_OUT


class PlanEntry(Entry):
    """A way to pay, with its prices."""

    label: Annotated[Needed, _fits(Plan, "label")]
    kind: Annotated[str, _one_of(PlanKind)]
    prices: list[PriceEntry] = []


class ReviewEntry(PublishedEntry):
    """One persona on the tool; a persona that is repeated tells its history, oldest first."""

    persona: Annotated[str, _one_of(Persona)]
    verdict: Annotated[str, _one_of(Verdict)]
    score: Score | None = None
    body: Annotated[Needed, AfterValidator(_markdown)]
    evidence: Annotated[str, _one_of(Evidence)] = LEFT_OUT
    reviewed_on: PastDay = LEFT_OUT
    reason: Annotated[Text, _fits(Review, "reason")] = LEFT_OUT

    def of(self, tool_id: int) -> Statement:
        """Return this as what is said of a tool."""
        optional = ("evidence", "reviewed_on", "reason", "status", "published_at")
        return Statement(
            tool_id=tool_id,
            persona=self.persona,
            verdict=self.verdict,
            score=self.score,
            body=self.body,
            **self.named(*optional),
        )


class ToolEntry(PublishedEntry):
    """A tool with its plans and reviews."""

    slug: Slug
    name: Annotated[Needed, _fits(Tool, "name")]
    vendor: str
    category: str
    tagline: Annotated[Text, _fits(Tool, "tagline")] = ""
    description: Markdown = ""
    website: Annotated[Address, _fits(Tool, "website")] = ""
    released_on: Day | None = None
    plans: list[PlanEntry] = []
    reviews: list[ReviewEntry] = []


class ComparisonEntry(PublishedEntry):
    """A pair of tools with its text."""

    left: str
    right: str
    summary: Markdown = ""


class Document(Entry):
    """The whole. Its entries are looked at one by one, never all kept as models at a time."""

    format: Literal["shiporskip/1"]
    categories: list[Any] = []
    vendors: list[Any] = []
    tools: list[Any] = []
    comparisons: list[Any] = []


SECTIONS: dict[str, type[Entry]] = {
    "categories": CategoryEntry,
    "vendors": VendorEntry,
    "tools": ToolEntry,
    "comparisons": ComparisonEntry,
}


# What is wrong, in words

TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "an object",
}


def read(entry: type[EntryT], value: object, place: str) -> tuple[EntryT | None, list[str]]:
    """Return a value as such an entry, or None and what is wrong with it, each with its place."""
    try:
        return entry.model_validate(value), []
    except ValidationError as failure:
        return None, [
            f"{located(place, error['loc']) or 'the document'}: {_message(error)}"
            for error in failure.errors(include_url=False)
        ]


def _message(error: Any) -> str:
    kind, value = error["type"], error["input"]
    if kind == "missing":
        return "missing"
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "literal_error":
        return f"{shown(value)} is not {error['ctx']['expected'].replace(chr(39), chr(34))}"
    if kind == "string_unicode":  # of a key; a text is refused by its own rule
        return f"the key {shown(value)} holds half a character"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    return f"{shown(value)} is not {TYPES[kind]}" if kind in TYPES else error["msg"]
