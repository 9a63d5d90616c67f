"""The four lenses. They are lenses, not people, and the site says so."""

from dataclasses import dataclass

from django.db import models
from django.urls import reverse


class Persona(models.TextChoices):
    """The lenses of a panel, in the order in which they are always shown."""

    BUILDER = "builder", "Builder"
    SKEPTIC = "skeptic", "Skeptic"
    FUTURIST = "futurist", "Futurist"
    FOUNDER = "founder", "Founder"

    @property
    def lens(self) -> "Lens":
        """What this persona asks."""
        return LENSES[self]

    def get_absolute_url(self) -> str:
        """Return the address of the persona's page."""
        return reverse("persona", args=[self.value])


@dataclass(frozen=True)
class Lens:
    """What a persona asks of every tool."""

    question: str
    asks: tuple[str, ...]


LENSES = {
    Persona.BUILDER: Lens(
        "Is the primitive right, and what happens in the first ten minutes?",
        (
            "What is the bet, and does the interface carry it?",
            "What works ten minutes after the first command?",
            "Would a script written over a weekend do the same?",
        ),
    ),
    Persona.SKEPTIC: Lens(
        "Who does it better, and where does it break?",
        (
            "Which direct competitors does it have?",
            "In which situation does it break?",
            "What kills it within twelve months?",
        ),
    ),
    Persona.FUTURIST: Lens(
        "What must be true for this to matter, and by which year?",
        (
            "What is the claim that time can prove wrong, and when?",
            "Which trend does it ride: early, on time or late?",
            "What does it depend on, and what follows if it holds?",
        ),
    ),
    Persona.FOUNDER: Lens(
        "Who pays, from which budget, and does the business survive?",
        (
            "Who is the buyer, and whose budget pays?",
            "How does the price grow with use?",
            "What is the moat, and does it outlast cheaper models?",
        ),
    ),
}
