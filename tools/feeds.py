"""What every Atom feed has in common, and the feed of prices."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import format_html

from .models import Price
from .offering import xml_text
from .pricing import describe_price, format_amount

#: How many entries a feed holds at most.
LENGTH = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of news. Its `key` is its name for ever, whatever becomes of titles and slugs."""

    key: str
    title: str
    address: str
    html: str
    published: datetime
    updated: datetime


def newest(*news: Iterable[Entry]) -> list[Entry]:
    """Join several kinds of news, the latest first."""
    entries = [entry for kind in news for entry in kind]
    return sorted(entries, key=lambda entry: entry.updated, reverse=True)[:LENGTH]


def absolute(address: str) -> str:
    """Return an address with the site's own host, whichever host was asked."""
    return f"{settings.SITE_URL}{address}"


class EntryFeed(Feed):
    """An Atom feed of entries. Subclasses say what it is called, where it stands and what is new.

    All addresses are absolute already, so that Django has no need to look at the Host header.
    """

    feed_type = Atom1Feed
    language = "en"
    author_name = settings.SITE_NAME
    author_link = settings.SITE_URL

    def heading(self, subject: Any) -> str:
        """Return what the feed is called, without the name of the site."""
        raise NotImplementedError

    def page(self, subject: Any) -> str:
        """Return the address of the page that shows the same to readers."""
        raise NotImplementedError

    def place(self, subject: Any) -> str:
        """Return the address of the feed itself."""
        raise NotImplementedError

    def title(self, subject: Any) -> str:
        return xml_text(f"{self.heading(subject)} · {settings.SITE_NAME}")

    def link(self, subject: Any) -> str:
        return absolute(self.page(subject))

    def feed_url(self, subject: Any) -> str:
        return absolute(self.place(subject))

    def feed_guid(self, subject: Any) -> str:
        return absolute(self.place(subject))

    def item_title(self, item: Entry) -> str:
        return xml_text(item.title)

    def item_description(self, item: Entry) -> str:
        return xml_text(item.html)

    def item_link(self, item: Entry) -> str:
        return absolute(item.address)

    def item_guid(self, item: Entry) -> str:
        """Return a tag URI (RFC 4151)."""
        return f"tag:{urlsplit(settings.SITE_URL).hostname},2026:{item.key}"

    def item_pubdate(self, item: Entry) -> datetime:
        return item.published

    def item_updateddate(self, item: Entry) -> datetime:
        return item.updated


def price_entries(prices: Iterable[Any]) -> list[Entry]:
    """Return what plans cost now and did before, each on the day from which it holds."""
    entries = []
    for price in prices:
        tool, since = price.plan.tool, datetime.combine(price.effective_on, time(), UTC)
        title = f"{tool.name}, {price.plan.label}: {describe_price(price)}"
        if price.previous_amount is not None:
            was = f"{price.currency} {format_amount(price.previous_amount)}"
            title = f"{tool.name}, {price.plan.label}: {was} → {describe_price(price)}"
        html = format_html(
            "<p>{} of {} is {} since {}.</p>",
            price.plan.label, tool.name, describe_price(price), price.effective_on.isoformat(),
        )  # fmt: skip
        address = tool.get_absolute_url()
        entries.append(Entry(f"price/{price.pk}", title, address, html, since, since))
    return entries


class PriceFeed(EntryFeed):
    """New prices, and those that changed."""

    def heading(self, subject: Any) -> str:
        return "Prices"

    def page(self, subject: Any) -> str:
        return reverse("tools")

    def place(self, subject: Any) -> str:
        return reverse("price-feed")

    def items(self) -> list[Entry]:
        return newest(price_entries(Price.objects.news()[:LENGTH]))
