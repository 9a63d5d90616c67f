"""Atom feeds of verdicts: all of them, those of a category, and everything about one tool."""

from typing import Any

from django.db.models import F, Max, OuterRef, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from tools.feeds import LENGTH, Entry, EntryFeed, newest, price_entries
from tools.models import Category, Price, Tool
from tools.querysets import ToolQuerySet

from .models import Revision
from .scorecards import Outcome


def verdict_entries(tools: ToolQuerySet) -> list[Entry]:
    """Return the panels of public tools, one entry a tool, and each verdict that turned round."""
    return newest(_panels(tools), _reversals(tools))


def _panels(tools: ToolQuerySet) -> list[Entry]:
    turned = (
        Revision.objects.filter(review__tool=OuterRef("pk"), public_from__lte=timezone.now())
        .exclude(previous_verdict=F("verdict"))
        .order_by()
        .values("review__tool")
        .annotate(at=Max("public_from"))
    )
    judged = (
        tools.filter(panel__isnull=False)
        .exclude(panel__outcome=Outcome.PENDING)
        .select_related("panel")
        .order_by("-panel__reviewed_on", "-pk")
    )
    return [
        Entry(
            key=f"tool/{tool.pk}/verdict",
            title=f"{tool.name}: {tool.panel.get_outcome_display()}",
            address=tool.get_absolute_url(),
            html=format_html("<p>{}.</p><p>{}</p>", tool.strip.description, tool.tagline),
            published=tool.published_at,
            updated=max(tool.published_at, tool.turned_at),
        )
        for tool in judged.annotate(turned_at=Subquery(turned.values("at")))[:LENGTH]
    ]


def _reversals(tools: ToolQuerySet) -> list[Entry]:
    entries = []
    revisions: Any = Revision.objects.public().filter(review__tool__in=tools)
    for revision in revisions.reversals()[:LENGTH]:
        tool, persona = revision.review.tool, revision.review.get_persona_display()
        change = f"{revision.previous_verdict} → {revision.verdict}"
        entries.append(
            Entry(
                key=f"revision/{revision.pk}",
                title=f"{persona} on {tool.name}: {change}",
                address=tool.get_absolute_url(),
                html=format_html("<p>{}</p>", revision.reason or tool.strip.description),
                published=revision.public_from,
                updated=revision.public_from,
            )
        )
    return entries


class VerdictFeed(EntryFeed):
    """New verdicts, and those that changed."""

    def heading(self, subject: Any) -> str:
        return "Verdicts"

    def page(self, subject: Any) -> str:
        return reverse("home")

    def place(self, subject: Any) -> str:
        return reverse("verdict-feed")

    def items(self) -> list[Entry]:
        return verdict_entries(Tool.objects.published())


class CategoryFeed(EntryFeed):
    """The verdicts on the tools of one category."""

    def get_object(self, request: HttpRequest, slug: str) -> Category:
        return get_object_or_404(Category, slug=slug.lower())

    def heading(self, subject: Category) -> str:
        return f"Verdicts in {subject.name}"

    def page(self, subject: Category) -> str:
        return subject.get_absolute_url()

    def place(self, subject: Category) -> str:
        return reverse("category-feed", args=[subject.slug])

    def items(self, subject: Category) -> list[Entry]:
        return verdict_entries(Tool.objects.published().filter(category=subject))


class ToolFeed(EntryFeed):
    """The verdict on one tool, and what changed about it and its prices."""

    def get_object(self, request: HttpRequest, slug: str) -> Tool:
        return get_object_or_404(Tool.objects.published(), slug=slug.lower())

    def heading(self, subject: Tool) -> str:
        return subject.name

    def page(self, subject: Tool) -> str:
        return subject.get_absolute_url()

    def place(self, subject: Tool) -> str:
        return reverse("tool-feed", args=[subject.slug])

    def items(self, subject: Tool) -> list[Entry]:
        prices = Price.objects.news().filter(plan__tool=subject)[:LENGTH]
        return newest(
            verdict_entries(Tool.objects.published().filter(pk=subject.pk)), price_entries(prices)
        )
