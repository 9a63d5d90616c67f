"""A made-up catalog of any size, to measure a large site with.

Nothing in it can be taken for a real product or a real claim: vendors, tools and what they are
said to do consist of invented words. It is always the same, and a tool is the same however many
others there are.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from reviews.personas import Persona
from reviews.scorecards import Evidence, Verdict

from .exporting import Object, written

#: The day from which the made-up days are counted.
FIRST_DAY = date(2025, 1, 1)
DAYS = 600

NAMES = (
    "Zorblat", "Quimble", "Flarnix", "Womblet", "Grobnar", "Plinthomat", "Snorvex",
    "Tizzlewick", "Bramblux", "Yonderpoof", "Krumple", "Vexilor", "Dringle", "Moofster", "Squonk",
    "Hoptrix", "Jibbering", "Nurfle", "Ploverdyne", "Gazoodle", "Crinkum", "Fribble", "Umbrazoid",
    "Wizzlet",
)  # fmt: skip
JOBS = (
    "Indexer", "Summariser", "Agent", "Copilot", "Router", "Transcriber", "Linter", "Planner",
    "Retriever", "Sketcher", "Notebook", "Gateway", "Evaluator", "Translator", "Composer",
    "Sandbox",
)  # fmt: skip
EDITIONS = (
    "", "", "", "Mini", "Turbo", "Pro", "for Quimble Ledgers", "with Extended Wobble and Deep Fizz",
)  # fmt: skip
CATEGORIES = (
    "Blorb Hosting", "Code Snorfling", "Dream Ledgers", "Fizz Analytics", "Gleep Search",
    "Hum Synthesis", "Image Wobbling", "Jargon Removal", "Kettle Agents", "Lint Whispering",
    "Meeting Mulching", "Nonsense Detection", "Oracle Polishing", "Prompt Gardening",
    "Quibble Support", "Robot Etiquette", "Slide Conjuring", "Tab Herding", "Umbrella Security",
    "Voice Pickling",
)  # fmt: skip
THINGS = (
    "flumets", "damp ledgers", "moon receipts", "grobbles", "reluctant spreadsheets", "fizz tokens",
    "borrowed umbrellas", "sideways tickets", "unlabelled teapots", "quiet sprockets",
    "third-hand prompts", "weekday goblins", "folded meetings", "soft invoices",
)  # fmt: skip
DOES = (
    "indexes", "untangles", "alphabetises", "politely ignores", "reheats", "summarises", "juggles",
    "re-folds", "counts", "renames", "translates", "stacks",
)  # fmt: skip
PLACES = (
    "in the municipal moon archive", "on a Tuesday that never ended",
    "in the imaginary test kitchen",
    "aboard the paper submarine", "in the ministry of hats", "under the second-best bridge",
    "at the annual gnome audit", "in a village of eleven librarians",
)  # fmt: skip
OPENINGS = {
    Verdict.SHIP: (
        "Ship it, say the gnomes.",
        "The bell rang twice, which means ship.",
        "Nobody in the ministry objected, so this one ships.",
        "It hums in the right key.",
    ),
    Verdict.SKIP: (
        "Skip it, say the gnomes.",
        "The bell stayed silent, which means skip.",
        "The ministry sent it back with a drawing of a sad hat.",
        "It hums in the wrong key.",
    ),
}
SENTENCES = (
    "The {name} {does} {things} {place}, and does it `{number}` times before tea.",
    "Give it *{things}* and it {does} them as though they were {other}.",
    "After {number} minutes {place} the {name} still {does} whatever it is handed.",
    "Our invented test team lost {number} {things} {place} and found only {other}.",
    "It {does} {things} when the wind is from the north, and {other} otherwise.",
    "Anybody who keeps {things} {place} will know the feeling, and nobody else has to.",
    "The manual has **{number} pages** about {things} and none about {other}.",
    "Between {things} and {other} there is a small door, which the {name} {does} for no reason.",
    "A rival made of cardboard {does} {number} {things} an hour, {place}.",
    "Had it been {number} {things} more, the whole panel would have had to stand on a chair.",
)
LIST = (
    "\n\n- {things}: {number} of them, {place}\n- {other}: none, as far as the gnomes can see\n\n"
)
REASONS = ("The wind has turned.", "A gnome recounted the teapots.", "")
#: An argument has about this many words, as those of the real site do.
WORDS = (55, 105)

PLANS = (
    ("Free, with hiccups", "free", "once", "", (0, 0)),
    ("Wanderer", "subscription", "month", "", (500, 4900)),
    ("Guild, by the year", "subscription", "year", "", (9900, 99900)),
    ("By the flumet", "usage", "", "1M flumets", (1, 900)),
    ("Forever, in a box", "one_time", "once", "", (1900, 49900)),
    ("Ask the ministry", "quote", "", "", None),
)


def fictional_document(tools: int) -> Iterator[str]:
    """Yield the text of a document with so many tools, and a tenth as many comparisons."""
    vendors = _vendor_count(tools)
    return written(
        {
            "categories": (_category(number) for number in range(len(CATEGORIES))),
            "vendors": (_vendor(number) for number in range(vendors)),
            "tools": (_tool(number, tools) for number in range(tools)),
            "comparisons": (_comparison(number) for number in range(tools // 10)),
        }
    )


def _vendor_count(tools: int) -> int:
    """One vendor for about eight tools."""
    return 1 + tools // 8


def _random(*what: object) -> Random:
    """Return the dice for one thing, so that it comes out the same whatever is made before it."""
    return Random(repr(what))  # noqa: S311 - nothing here is secret


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def _category(number: int) -> Object:
    name = CATEGORIES[number]
    return {
        "slug": _slug(name),
        "name": name,
        "description": f"Made-up tools for {name.lower()}. None of them exists.",
    }


def _vendor(number: int) -> Object:
    name = f"{NAMES[number % len(NAMES)]} Imaginary Works {number:04d}"
    return {"slug": _slug(name), "name": name, "website": f"https://vendor-{number}.example/"}


def _tool_name(number: int) -> str:
    dice = _random("name", number)
    words = (dice.choice(NAMES), dice.choice(JOBS), dice.choice(EDITIONS), f"{number:04d}")
    return " ".join(word for word in words if word)


def _tool(number: int, tools: int) -> Object:
    dice = _random("tool", number)
    name = _tool_name(number)
    things = dice.choice(THINGS)
    return {
        "slug": _slug(name),
        "name": name,
        "vendor": _vendor(dice.randrange(10**6) % _vendor_count(tools))["slug"],
        "category": _slug(dice.choice(CATEGORIES)),
        "tagline": f"{dice.choice(DOES).capitalize()} {things} {dice.choice(PLACES)}",
        "description": (
            f"**{name}** is made up, like everything it is said to do. "
            f"{_prose(dice, name, dice.randint(20, 70))}"
        ),
        "website": f"https://tool-{number}.example/",
        "released_on": str(_day(dice)),
        "status": "published",
        "plans": _plans(dice),
        "reviews": _reviews(dice, name),
    }


def _day(dice: Random) -> date:
    return FIRST_DAY + timedelta(days=dice.randrange(DAYS))


def _plans(dice: Random) -> list[Object]:
    """Return no plan to four, one in five of them with a price that has changed."""
    return [
        {
            "label": label,
            "kind": kind,
            "prices": _prices(dice, period, unit, cents) if cents else [],
        }
        for label, kind, period, unit, cents in dice.sample(
            PLANS, dice.choice((0, 1, 1, 2, 2, 3, 4))
        )
    ]


def _prices(dice: Random, period: str, unit: str, cents: tuple[int, int]) -> list[Object]:
    days = sorted({_day(dice) for _ in range(dice.choice((1, 1, 1, 1, 2)))})
    prices = []
    for day in days:
        whole, part = divmod(dice.randint(*cents), 100)
        prices.append(
            {
                "amount": f"{whole}.{part:02d}",
                "currency": "USD",
                "period": period,
                "unit": unit,
                "effective_on": str(day),
                "checked_on": str(FIRST_DAY + timedelta(days=DAYS)),
                "source_url": "",
            }
        )
    return prices


def _reviews(dice: Random, name: str) -> list[Object]:
    """Return the whole panel for most tools, and fewer reviews for one in eight."""
    count = dice.randrange(len(Persona)) if dice.randrange(8) == 0 else len(Persona)
    personas = sorted(dice.sample(range(len(Persona)), count))
    liking = dice.choice((0.1, 0.5, 0.5, 0.8, 0.95))
    return [_review(dice, name, Persona.values[persona], liking) for persona in personas]


def _review(dice: Random, name: str, persona: str, liking: float) -> Object:
    verdict = Verdict.SHIP if dice.random() < liking else Verdict.SKIP
    lowest, highest = (55, 98) if verdict == Verdict.SHIP else (8, 54)
    score: dict[str, Any] = {"score": dice.randint(lowest, highest)} if dice.randrange(7) else {}
    return {
        "persona": persona,
        "verdict": str(verdict),
        **score,
        "body": f"{dice.choice(OPENINGS[verdict])} {_prose(dice, name, dice.randint(*WORDS))}",
        "evidence": dice.choice(Evidence.values),
        "reviewed_on": str(_day(dice)),
        "reason": dice.choice(REASONS),
    }


def _prose(dice: Random, name: str, words: int) -> str:
    """Return paragraphs of at least so many words about nothing at all."""
    text = ""
    while len(text.split()) < words:
        pattern = LIST if dice.randrange(12) == 0 else dice.choice(SENTENCES)
        things, other = dice.sample(THINGS, 2)
        text += pattern.format(
            name=name,
            does=dice.choice(DOES),
            things=things,
            other=other,
            place=dice.choice(PLACES),
            number=dice.randint(2, 400),
        )
        text += "\n\n" if dice.randrange(4) == 0 else " "
    return text.strip()


def _comparison(number: int) -> Object:
    """Compare the first of each ten tools with one of the other nine, so that no pair repeats."""
    dice = _random("comparison", number)
    left = _tool_name(10 * number)
    right = _tool_name(10 * number + dice.randint(1, 9))
    return {
        "left": _slug(left),
        "right": _slug(right),
        "summary": (
            f"One hums and the other fizzes. {_prose(dice, left, 25)}\n\n{_prose(dice, right, 25)}"
        ),
        "status": "published",
    }
