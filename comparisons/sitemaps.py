"""The sitemap: every page that is worth a place in an index, with the day it last changed.

Only comparisons that an editor made are looked at, never pairs, and a part holds few enough
addresses that its size in memory stays the same however large the catalog grows.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import SitemapIndexItem
from django.contrib.sitemaps.views import sitemap as part_of
from django.db.models import DateTimeField, F, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Greatest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from reviews.models import Revision
from reviews.personas import Persona
from tools.models import Category, Price, Tool

from .models import Comparison


def changed_at(tool: str = "") -> list[Any]:
    """Return the moments at which a tool, reached over `tool`, changed for its readers."""
    pk = OuterRef(f"{tool}pk" if tool else "pk")
    reviewed = (
        Revision.objects.filter(review__tool=pk, public_from__lte=timezone.now())
        .order_by()
        .values("review__tool")
    )
    priced = (
        Price.objects.filter(plan__tool=pk, effective_on__lte=timezone.localdate())
        .order_by()
        .values("plan__tool")
        .annotate(at=Cast(Max("effective_on"), DateTimeField()))
    )
    return [
        F(f"{tool}published_at"),
        F(f"{tool}updated_at"),
        Subquery(reviewed.annotate(at=Max("public_from")).values("at")),
        Subquery(priced.values("at")),
    ]


class Part(Sitemap):
    """A part of the sitemap, split into pages of `limit` addresses (the protocol allows 50,000)."""

    limit = 5000

    def get_protocol(self, protocol: str | None = None) -> str:
        """Return the scheme of the site, whichever way it was asked."""
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site: Any = None) -> str:
        """Return the host of the site, whichever host was asked."""
        return urlsplit(settings.SITE_URL).netloc


class RowsPart(Part):
    """Rows that know when they changed: the newest is found in the database, not by reading all."""

    def lastmod(self, row: Any) -> datetime:
        """Return when the page last changed."""
        return row.changed_at

    def items(self) -> QuerySet[Any]:
        raise NotImplementedError

    def get_latest_lastmod(self) -> datetime | None:
        return self.items().order_by().aggregate(latest=Max("changed_at"))["latest"]


class Pages(Part):
    """The pages that are always there. They change with every verdict, so none says when."""

    def items(self) -> list[str]:
        names = (
            "home", "tools", "compare", "search", "digest", "methodology", "corrections", "privacy",
        )  # fmt: skip
        return [reverse(name) for name in names] + [
            persona.get_absolute_url() for persona in Persona
        ]

    def location(self, item: str) -> str:
        """Return the address, which is the item."""
        return item


class Categories(Part):
    """Categories with a public tool."""

    def items(self) -> QuerySet[Category]:
        return Category.objects.with_counts().order_by("pk")


class Tools(RowsPart):
    """Public tools."""

    def items(self) -> QuerySet[Any]:
        tools = Tool.objects.published().annotate(changed_at=Greatest(*changed_at()))
        return tools.only("slug").order_by("pk")


class Comparisons(RowsPart):
    """Comparisons that lack nothing."""

    def items(self) -> QuerySet[Any]:
        moments = [
            F("published_at"), F("updated_at"), *changed_at("left__"), *changed_at("right__")
        ]  # fmt: skip
        return (
            Comparison.objects.indexable()
            .annotate(changed_at=Greatest(*moments))
            .select_related("left", "right")
            .only("left__slug", "right__slug")
            .order_by("pk")
        )


PARTS: dict[str, Any] = {
    "pages": Pages,
    "categories": Categories,
    "tools": Tools,
    "comparisons": Comparisons,
}


def index(request: HttpRequest) -> HttpResponseBase:
    """Name the parts of the sitemap, each page of each that is not empty."""
    listed: list[Any] = []
    for name, kind in PARTS.items():
        part = kind()
        if not part.paginator.count:
            continue
        address = settings.SITE_URL + reverse("sitemap-part", args=[name])
        latest = part.get_latest_lastmod()
        for number in part.paginator.page_range:
            location = f"{address}?p={number}" if number > 1 else address
            listed.append(SitemapIndexItem(location, latest))
    return TemplateResponse(
        request, "sitemap_index.xml", {"sitemaps": listed}, content_type="application/xml"
    )


def part(request: HttpRequest, section: str) -> HttpResponseBase:
    """List the addresses of one part; `?p=2` is its second page."""
    return part_of(request, sitemaps=PARTS, section=section)
