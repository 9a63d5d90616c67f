"""How long Postgres works on a search: about two hundred questions to the catalog that is there.

Fill it first (`make scale TOOLS=10000`). A figure is the time between asking and answer of all
queries of one search, without the time that Python takes between them. Run by the benchmark as a
process of its own, because this one needs Django.
"""

import json
import random
import statistics
import sys
import time

import django

QUESTIONS = 200
#: Of each question the quickest round counts: whatever else runs on the machine only ever adds.
ROUNDS = 5


def questions(dice):
    """Yield what readers type: names, beginnings, words of texts, typing errors, two names."""
    from reviews.models import Review
    from tools.models import Tool, Vendor

    names = list(Tool.objects.published().by_name().values_list("name", flat=True))
    vendors = list(Vendor.objects.order_by("slug").values_list("name", flat=True))
    keys = dice.sample(list(Review.objects.order_by("pk").values_list("pk", flat=True)), QUESTIONS)
    bodies = Review.objects.filter(pk__in=keys).order_by("pk").values_list("body", flat=True)
    texts = [body.split() for body in bodies]
    for number in range(QUESTIONS):
        name, other, text = dice.choice(names), dice.choice(names), dice.choice(texts)
        start = dice.randrange(max(1, len(text) - 3))
        yield (
            name,
            name[: dice.randint(2, 7)],
            " ".join(word[: dice.randint(2, 6)] for word in name.split()[:2]),
            dice.choice(text),
            " ".join(text[start : start + dice.randint(2, 3)]),
            dice.choice(vendors),
            name[:3] + name[4:],
            f"{name} vs {other}",
            f"{name.split()[0]} or {other.split()[0]}",
            dice.choice(name.split()),
        )[number % 10]


def measure():
    """Return the number of tools and questions, and p50 and p95 in milliseconds."""
    from django.db import connection

    from comparisons import search
    from comparisons.questions import Question
    from tools.models import Tool

    spent = 0.0

    def timed(execute, sql, parameters, many, context):
        nonlocal spent
        start = time.perf_counter()
        try:
            return execute(sql, parameters, many, context)
        finally:
            spent += time.perf_counter() - start

    asked = [Question.read(typed) for typed in questions(random.Random(6))]
    times = []
    for question in asked:
        rounds = []
        for _ in range(ROUNDS):
            spent = 0.0
            with connection.execute_wrapper(timed):
                search.find(question)
            rounds.append(1000 * spent)
        times.append(min(rounds))
    cuts = statistics.quantiles(times, n=20)
    return {
        "tools": Tool.objects.count(),
        "questions": len(asked),
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(cuts[-1], 1),
    }


if __name__ == "__main__":
    django.setup()
    json.dump(measure(), sys.stdout)
