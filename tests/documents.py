"""A small catalog document in which everything is right, and others made from it."""

import io
from typing import Any

from django.core.management import call_command

Document = dict[str, Any]

#: The place of the one price.
PRICE = "tools.0.plans.1.prices.0"


def catalog() -> Document:
    """Return a small document in which everything is right."""
    return {
        "format": "shiporskip/1",
        "categories": [{"slug": "agents", "name": "Agents", "description": "They *act*."}],
        "vendors": [{"slug": "acme", "name": "Acme", "website": "https://acme.example/"}],
        "tools": [
            {
                "slug": "anvil",
                "name": "Anvil",
                "vendor": "acme",
                "category": "agents",
                "tagline": "Heavy work",
                "description": "An **anvil**.",
                "website": "",
                "released_on": "2026-05-22",
                "status": "published",
                "plans": [
                    {"label": "Free", "kind": "free"},
                    {
                        "label": "Pro",
                        "kind": "subscription",
                        "prices": [
                            {
                                "amount": "20.00",
                                "currency": "USD",
                                "period": "month",
                                "unit": "",
                                "effective_on": "2026-05-22",
                                "checked_on": "2026-06-01",
                                "source_url": "https://acme.example/prices",
                            }
                        ],
                    },
                ],
                "reviews": [review("builder"), review("skeptic", verdict="skip", score=30)],
            },
            {"slug": "bellows", "name": "Bellows", "vendor": "acme", "category": "agents"},
        ],
        "comparisons": [{"left": "anvil", "right": "bellows", "summary": "Weight or *air*."}],
    }


def review(persona: str, **values: Any) -> dict[str, Any]:
    return {
        "persona": persona,
        "verdict": "ship",
        "score": 84,
        "body": "It **holds**.",
        "evidence": "tested",
        "reviewed_on": "2026-05-23",
        "reason": "",
        **values,
    }


def changed(path: str, value: Any) -> Document:
    """Return the document with one value set, at a place such as `tools.0.reviews.0.score`."""
    document = catalog()
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = document
    for step in steps:
        target = target[step]
    target[last] = value
    return document


def without(path: str) -> Document:
    """Return the document with one key left out."""
    document = changed(path, None)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = document
    for step in steps:
        target = target[step]
    del target[last]
    return document


def call_and_read(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()
