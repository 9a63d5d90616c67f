"""The small fixed cast that page tests play with, so that a test reads like a story.

`Alpha` and `Beta` are complete, `Gamma` has three reviews, `Delta` has nothing at all.
"""

from datetime import date

from comparisons.models import Comparison
from reviews.personas import Persona
from reviews.writing import Statement, record_reviews
from tools.models import Category, Plan, Price, Tool, Vendor
from tools.status import Status

DAY = date(2026, 11, 14)


def make_category(name="Developer Tools", slug="developer-tools"):
    return Category.objects.get_or_create(slug=slug, defaults={"name": name})[0]


def make_tool(slug, name=None, **facts):
    """Make a published tool of the usual vendor and category."""
    facts = {
        "name": name or slug.replace("-", " ").title(),
        "vendor": facts.get("vendor")
        or Vendor.objects.get_or_create(slug="acme", defaults={"name": "Acme"})[0],
        "status": Status.PUBLISHED,
        "tagline": f"What {slug} is for",
        "description": f"The description of {slug}.",
    } | facts
    category = facts.pop("category", None) or make_category()
    return Tool.objects.create(slug=slug, category=category, **facts)


def make_vendor(slug):
    return Vendor.objects.create(slug=slug, name=slug.title())


def delta_with(body):
    """Return Delta's one review, by the Builder, with this argument."""
    tool = delta()
    record_reviews([Statement(tool.pk, "builder", "ship", 80, body, reviewed_on=DAY)])
    return tool.reviews.get()


def review(tool, verdicts, scores=(None,) * 4, on=DAY):
    """Write reviews in the personas' order, "-" for none: review(tool, "ship ship - skip")."""
    record_reviews(
        Statement(
            tool_id=tool.pk,
            persona=persona.value,
            verdict=verdict,
            score=score,
            body=f"The {persona.label} argues about {tool.slug}.",
            reviewed_on=on,
        )
        for persona, verdict, score in zip(Persona, verdicts.split(), scores, strict=True)
        if verdict != "-"
    )


def add_plan(tool, label, kind="free", amount=None, **price):
    """Add a plan, with a price when an amount is given."""
    plan = Plan.objects.create(tool=tool, label=label, kind=kind, position=tool.plans.count())
    if amount is not None:
        price = {"effective_on": DAY, "checked_on": DAY} | price
        Price.objects.create(plan=plan, amount=amount, **price)
    return plan


def check_price(tool, **price):
    """Add a plan whose price somebody looked up today, as a place in an index needs."""
    return add_plan(
        tool, "Checked plan", "subscription", "10.00", **{"checked_on": date.today()} | price
    )


def alpha():
    tool = make_tool("alpha")
    review(tool, "ship ship ship ship", (84, 78, 81, 72))
    add_plan(tool, "Free tier")
    add_plan(tool, "Pro $20/mo", "subscription", "20.00")
    return tool


def beta():
    tool = make_tool("beta")
    review(tool, "ship ship ship skip", (85, 78, 82, 40))
    add_plan(tool, "Pay per token", "usage")
    return tool


def gamma():
    tool = make_tool("gamma")
    review(tool, "ship skip ship -")
    return tool


def delta():
    return make_tool("delta", tagline="", description="")


def compare(left, right, summary="An editor’s text.", **facts):
    facts = {"status": Status.PUBLISHED} | facts
    return Comparison.objects.create(left=left, right=right, summary=summary, **facts)
