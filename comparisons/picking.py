"""The compare picker: from what a reader typed to the tools that were meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from tools.addresses import Suggestion, nearest_tools
from tools.models import NAME_LENGTH, Tool

from .lineups import MOST

#: The parameter of the form's fields; a form that was sent goes on to the comparison.
TOOL = "tool"
#: The parameter of links that fill the form in and leave it to the reader to send it.
WITH = "with"
#: How many fields come back filled in at most when somebody sent more than there are.
MOST_FIELDS = 2 * MOST
#: How many tools of one name are offered at most.
CHOICES = 10


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the picker: what was typed, and what is wrong with it."""

    text: str
    slug: str = ""
    error: str = ""
    choices: Sequence[Suggestion] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """The picker as it stands: its fields, and the slugs to compare once everything is clear."""

    fields: Sequence[Field]
    slugs: Sequence[str] = ()

    @property
    def touched(self) -> bool:
        """Whether there is anything in it that the bare page does not have."""
        return any(field.text or field.error for field in self.fields)


def read_pick(query: QueryDict) -> Pick:
    """Read the picker from a query string.

    A field takes a slug or a name. One that stands for no tool or for several has an error, and
    the nearest tools to choose from; so has one that repeats a tool, or is one too many.
    """
    sent = TOOL in query
    typed = query.getlist(TOOL) if sent else query.getlist(WITH)
    # A NUL cannot be asked of Postgres, and nobody can type one.
    texts = [" ".join(text.replace("\0", " ").split()) for text in typed]
    texts = [text for text in texts if text][:MOST_FIELDS]
    found = list(Tool.objects.published().called(texts)) if texts else []
    fields: list[Field] = []
    for text in texts:
        fields.append(_read(text, found, fields, texts))
    slugs = [field.slug for field in fields]
    if sent and len(slugs) > 1 and all(slugs):
        return Pick(fields, slugs)
    if sent and len(texts) < 2:
        fields.append(Field("", error="Name a second tool." if texts else "Name two tools."))
    fields += [Field("")] * (MOST - len(fields))
    return Pick(fields)


def _read(text: str, found: list[Tool], before: list[Field], texts: list[str]) -> Field:
    if len(before) == MOST:
        return Field(text, error=f"One page compares {MOST} tools at most. Empty this field.")
    if len(before) > MOST:
        return Field(text, error="Empty this field, too.")
    if len(text) > NAME_LENGTH:
        return Field(text, error=f"No tool’s name is longer than {NAME_LENGTH} characters.")
    meant = _meant(text, found)
    if len(meant) == 1:
        (tool,) = meant
        if tool.slug in {field.slug for field in before}:
            return Field(text, error="This tool is there already. Name another one.")
        return Field(tool.name, tool.slug)
    # Of tools with one name only the slug tells which is which.
    same = [(tool.slug, f"{tool.name} ({tool.slug})") for tool in meant[:CHOICES]]
    nearest = same or nearest_tools(text)
    if meant:
        error = "Several tools have this name. Choose one."
    else:
        error = "We know no tool of this name." + (" Near it:" if nearest else "")
    return Field(text, error=error, choices=[_choice(*tool, text, texts) for tool in nearest])


def _meant(text: str, found: list[Tool]) -> list[Tool]:
    """Return the tools that a text stands for: the one of that slug, else those of that name."""
    return (
        [tool for tool in found if tool.slug == text]
        or [tool for tool in found if tool.name.casefold() == text.casefold()]
        or [tool for tool in found if tool.slug == text.lower()]
    )


def _choice(slug: str, name: str, text: str, texts: list[str]) -> Suggestion:
    """Return the link that sends the form again with `slug` instead of `text`."""
    again = [(TOOL, slug if other == text else other) for other in texts]
    return Suggestion(name, f"{reverse('compare')}?{urlencode(again)}")
