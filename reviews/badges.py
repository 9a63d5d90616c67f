"""The badge that a tool's maker may show: the panel's verdict as an SVG with text as text."""

from dataclasses import dataclass

from tools.offering import xml_text

from .scorecards import Outcome, PanelStrip

#: Roughly how wide a letter is; `textLength` makes it exactly so, whatever font a reader has.
LETTER = 7
PAD = 8
#: Where the four cells stand in the right half.
STRIP = 4 * 14
COLOURS = {
    Outcome.SHIP: "#0a6762",
    Outcome.SKIP: "#b5370f",
    Outcome.SPLIT: "#17191b",
    Outcome.PENDING: "#55595c",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says, and where its parts stand."""

    name: str
    site_name: str
    strip: PanelStrip

    @property
    def description(self) -> str:
        """The badge in words, for those who do not see it."""
        text = f"{self.name}: {self.verdict} on {self.site_name}. {self.strip.description}"
        return xml_text(text)

    @property
    def verdict(self) -> str:
        """What the panel says."""
        return self.strip.outcome.label

    @property
    def colour(self) -> str:
        """The ground under the verdict; white text on it has a contrast of 5.6 or more."""
        return COLOURS[self.strip.outcome]

    @property
    def label_length(self) -> int:
        """How wide the site's name is."""
        return LETTER * len(self.site_name)

    @property
    def verdict_length(self) -> int:
        """How wide the verdict is."""
        return LETTER * len(self.verdict) + 4

    @property
    def middle(self) -> int:
        """Where the verdict's half begins."""
        return self.label_length + 2 * PAD

    @property
    def width(self) -> int:
        """How wide it is altogether."""
        return self.middle + PAD + self.verdict_length + PAD + STRIP + PAD - 2
