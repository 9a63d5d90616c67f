"""Comparisons for search engines, as schema.org dictionaries: the way there, and no rating."""

from collections.abc import Iterable

from django.urls import reverse

from tools.structured_data import Data, breadcrumb, item_list

from .models import Comparison


def comparison_page(names: Iterable[str], address: str) -> list[Data]:
    """Return what search engines may know of a comparison's page."""
    return [breadcrumb(("Compare", reverse("compare")), (" vs ".join(names), address))]


def comparison_list(comparisons: Iterable[Comparison]) -> list[Data]:
    """Return a list of comparisons."""
    return item_list((str(comparison), comparison.address) for comparison in comparisons)
