"""The picture that a page is shared with: 1200 × 630, drawn from the page's own data.

It looks like the site (static/css/tokens.css) and needs no browser. What it shows is a small
frozen value; its version names the content, so that a picture is drawn once and kept under it.
"""

import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from PIL import Image, ImageDraw, ImageFont, features

from reviews.personas import Persona
from reviews.scorecards import Outcome, PanelStrip, Verdict
from tools.offering import version_of

from .answers import answer
from .lineups import Lineup

WIDTH, HEIGHT = 1200, 630
#: Everything is drawn this much larger and then made smaller, which smooths the edges.
SCALE = 2
MARGIN = 64
#: Counts up when the drawing changes, so that nobody keeps the old look.
LOOK = 1
#: For how long, in seconds, a drawn picture is kept.
KEPT_FOR = 24 * 3600

# The light colours of static/css/tokens.css.
PAPER, SHEET, INK, INK_SOFT = "#faf8f2", "#fffefa", "#17191b", "#55595c"
RULE, RULE_STRONG, SHIP, SKIP = "#d8d3c5", "#85806f", "#0a6762", "#b5370f"

FONTS = Path(__file__).parent / "fonts"
#: Letters of right-to-left and joined scripts are put in order by Raqm, which Pillow's wheels have.
_SHAPED = features.check("raqm")


@dataclass(frozen=True, slots=True)
class Subject:
    """One tool in a picture."""

    name: str
    cells: str
    mean_score: float | None

    @property
    def strip(self) -> PanelStrip:
        """The four verdicts."""
        return PanelStrip.parse(self.cells)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture shows: no tool (the site's own), one, or two side by side, and a sentence."""

    subjects: tuple[Subject, ...]
    sentence: str
    site_name: str

    @property
    def version(self) -> str:
        """Return the name of this content, the same in every process."""
        return version_of(f"{LOOK} {self!r}".encode())

    def png(self) -> bytes:
        """Return the picture, drawn only if nobody in this process has drawn it before."""
        drawn: bytes | None = cache.get_or_set(
            f"picture.{self.version}", lambda: draw(self), KEPT_FOR
        )
        return drawn or draw(self)


def picture_of_site() -> Picture:
    """Return the picture of every page that has none of its own."""
    sentence = "Four personas judge every AI tool. Put two side by side and decide in a minute."
    return Picture((), sentence, settings.SITE_NAME)


def picture_of_pair(pair: Lineup) -> Picture:
    """Return the picture of a comparison: both tools, and the computed answer."""
    subjects = tuple(
        Subject(legible(side.name, side.slug), side.strip.cells, side.scorecard.mean_score)
        for side in pair.sides
    )
    sentence = answer(*pair.sides).text
    for side, subject in zip(pair.sides, subjects, strict=True):
        sentence = sentence.replace(side.name, subject.name)
    verdicts = " ".join(f"{subject.name}: {subject.strip.outcome.label}." for subject in subjects)
    return Picture(subjects, legible(sentence, verdicts), settings.SITE_NAME)


def picture_of_tool(tool: Any) -> Picture:
    """Return the picture of a tool: its panel, and what it is best for."""
    card = tool.reviews.all().scorecard()
    subject = Subject(legible(tool.name, tool.slug), card.strip.cells, card.mean_score)
    sentence = legible(tool.tagline, f"{card.strip.description}.")
    return Picture((subject,), sentence, settings.SITE_NAME)


# Letters


def legible(text: str, otherwise: str) -> str:
    """Return a text as far as the font can draw it, or another one where that loses a letter.

    DejaVu has Latin, Greek, Cyrillic, Hebrew, Arabic and more, and no Chinese, Japanese or Korean.
    Boxes instead of letters would say nothing, so a name gives way to its slug, which is always in
    plain letters. Emoji are left out.
    """
    drawable = "".join(character for character in text if _has_glyph(character))
    lost = any(character.isalnum() and not _has_glyph(character) for character in text)
    drawable = " ".join(drawable.split())
    return otherwise if lost or not drawable else drawable


@lru_cache(maxsize=4096)
def _has_glyph(character: str) -> bool:
    if character.isspace():
        return True
    if unicodedata.category(character).startswith("C"):  # invisible, or turns the direction round
        return False
    font = _font("bold", 20)
    return bytes(font.getmask(character)) != bytes(font.getmask("\U0010ffff"))


@lru_cache(maxsize=64)
def _font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    file = "DejaVuSans-Bold.ttf" if weight == "bold" else "DejaVuSans.ttf"
    return ImageFont.truetype(FONTS / file, size)


def _lines(text: str, font: ImageFont.FreeTypeFont, width: float, most: int) -> list[str] | None:
    """Break a text into at most `most` lines, long words anywhere; None where it does not fit."""
    lines, line = [], ""
    for word in text.split():
        if font.getlength(f"{line} {word}".strip()) <= width:
            line = f"{line} {word}".strip()
            continue
        if line:
            lines.append(line)
        while len(word) > 1 and font.getlength(word) > width:
            if len(lines) >= most:
                return None
            cut = next(n for n in range(len(word) - 1, 0, -1) if font.getlength(word[:n]) <= width)
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    lines.append(line)
    return lines if len(lines) <= most else None


def _fitted(
    text: str, weight: str, sizes: tuple[int, ...], width: float, most: int
) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """Return the largest size in which the text fits, cut short in the smallest if none does."""
    text = text[:400]
    for size in sizes:
        font = _font(weight, size * SCALE)
        if lines := _lines(text, font, width, most):
            return font, lines
    while not (lines := _lines(f"{text}…", font, width, most)):
        text = text[: max(len(text) * 9 // 10, 1)].rstrip()
    return font, lines


# Drawing


def draw(picture: Picture) -> bytes:
    """Draw a picture and return it as PNG."""
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), PAPER)
    pen = _Pen(ImageDraw.Draw(image))
    pen.box(0, 0, WIDTH, 14, fill=INK)
    pen.text(MARGIN, 46, picture.site_name.upper()[:40], "bold", 26, INK)
    pen.box(MARGIN, 92, WIDTH - MARGIN, 95, fill=INK)
    layouts: tuple[Callable[[_Pen, Picture], None], ...] = (_site, _one, _two)
    layouts[len(picture.subjects)](pen, picture)
    buffer = io.BytesIO()
    small = image.reduce(SCALE)
    # A few dozen shades are enough for paper, ink and two hues, and make a third of the bytes.
    small.quantize(64, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG")
    return buffer.getvalue()


def _site(pen: "_Pen", picture: Picture) -> None:
    pen.block("Ship it, or skip it?", "bold", (84,), MARGIN, 150, WIDTH - 2 * MARGIN, 1)
    pen.strip(MARGIN, 300, 84, PanelStrip.parse("sssx"))
    pen.block(picture.sentence, "plain", (34,), MARGIN, 470, WIDTH - 2 * MARGIN, 2)


def _one(pen: "_Pen", picture: Picture) -> None:
    (subject,) = picture.subjects
    width = WIDTH - 2 * MARGIN
    pen.block(subject.name, "bold", (76, 64, 52, 44), MARGIN, 122, width, 2)
    pen.stamp(MARGIN, 308, 46, subject.strip.outcome)
    pen.strip(620, 304, 58, subject.strip)
    pen.score(MARGIN, 432, width, subject)
    pen.block(picture.sentence, "plain", (32, 27), MARGIN, 504, width, 2)


def _two(pen: "_Pen", picture: Picture) -> None:
    column = (WIDTH - 2 * MARGIN - 48) // 2
    for subject, left, solid in zip(
        picture.subjects, (MARGIN, MARGIN + column + 48), (True, False), strict=True
    ):
        pen.diamond(left + 11, 140, 11, solid)
        pen.block(subject.name, "bold", (48, 40, 34, 28), left + 36, 116, column - 36, 2)
        pen.stamp(left, 248, 36, subject.strip.outcome)
        pen.strip(left, 334, 44, subject.strip)
        pen.score(left, 430, column, subject)
    pen.box(WIDTH // 2 - 1, 118, WIDTH // 2 + 1, 470, fill=RULE)
    pen.box(MARGIN, 488, WIDTH - MARGIN, 490, fill=INK)
    pen.block(picture.sentence, "plain", (30, 26), MARGIN, 508, WIDTH - 2 * MARGIN, 2)


class _Pen:
    """Draws in the picture's own pixels, whatever the scale."""

    def __init__(self, on: ImageDraw.ImageDraw) -> None:
        self.on = on

    def box(self, left: float, top: float, right: float, bottom: float, **look: Any) -> None:
        if "width" in look:
            look["width"] = round(look["width"] * SCALE)
        corners = [edge * SCALE for edge in (left, top, right, bottom)]
        self.on.rectangle([corners[0], corners[1], corners[2] - 1, corners[3] - 1], **look)

    def line(self, points: list[tuple[float, float]], colour: str, width: float) -> None:
        self.on.line(_scaled(points), fill=colour, width=round(width * SCALE), joint="curve")

    def text(
        self, left: float, top: float, text: str, weight: str, size: int, colour: str
    ) -> float:
        """Write one line and return how wide it is; what stands around it is left to right."""
        font = _font(weight, size * SCALE)
        direction = "ltr" if _SHAPED else None
        self.on.text((left * SCALE, top * SCALE), text, colour, font, direction=direction)
        return font.getlength(text, direction=direction) / SCALE

    def block(
        self, text: str, weight: str, sizes: tuple[int, ...],
        left: float, top: float, width: float, most: int,
    ) -> None:  # fmt: skip
        """Write a text in the largest size in which it fits into its lines."""
        font, lines = _fitted(text, weight, sizes, width * SCALE, most)
        for number, line in enumerate(lines):
            down = top * SCALE + number * font.size * 1.25
            colour = INK if weight == "bold" else INK_SOFT
            self.on.text((left * SCALE, down), line, colour, font)

    def diamond(self, x: float, y: float, radius: float, solid: bool) -> None:
        """Draw the mark of a side: solid on the left, outlined on the right."""
        corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
        self.on.polygon(
            _scaled(corners), fill=INK if solid else SHEET, outline=INK, width=3 * SCALE
        )

    def strip(self, left: float, top: float, size: float, strip: PanelStrip) -> None:
        """Draw the panel strip with the personas' initials."""
        for number, (persona, verdict) in enumerate(zip(Persona, strip.verdicts, strict=True)):
            x = left + number * size * 1.25
            if verdict == Verdict.SHIP:
                self.box(x, top, x + size, top + size, fill=SHIP)
            elif verdict == Verdict.SKIP:
                self.box(x, top, x + size, top + size, outline=SKIP, width=4)
                near, far = size * 0.27, size * 0.73
                self.line([(x + near, top + near), (x + far, top + far)], SKIP, 4)
                self.line([(x + far, top + near), (x + near, top + far)], SKIP, 4)
            else:
                self.dashes(x, top, x + size, top + size)
            initial = persona.label[0]
            width = _font("plain", 20 * SCALE).getlength(initial) / SCALE
            self.text(x + (size - width) / 2, top + size + 6, initial, "plain", 20, INK_SOFT)

    def dashes(self, left: float, top: float, right: float, bottom: float) -> None:
        """Draw a dashed box, with a dash at every corner."""
        dash, inset = 9, 1.5
        for start, end, edges in ((left, right, (top, bottom)), (top, bottom, (left, right))):
            count = max(round((end - start) / dash / 2), 2)
            step = (end - start - dash) / count
            for number in range(count + 1):
                first = start + number * step
                for edge in (edges[0] + inset, edges[1] - inset):
                    points = [(first, edge), (first + dash, edge)]
                    if edges == (left, right):
                        points = [(y, x) for x, y in points]
                    self.line(points, RULE_STRONG, 3)

    def stamp(self, left: float, top: float, size: int, outcome: Outcome) -> None:
        """Draw the stamp in the shape that its outcome has on every page."""
        word = outcome.label.upper()
        inner = _font("bold", size * SCALE).getlength(word) / SCALE
        pad, height = size * 0.5, size * 1.6
        right = left + inner + 2 * pad
        colour = {Outcome.SHIP: SHIP, Outcome.SKIP: SKIP}.get(outcome, INK)
        if outcome == Outcome.SHIP:
            tip = (right + size * 0.5, top + height / 2)
            self.on.polygon(
                _scaled([(left, top), (right, top), tip, (right, top + height),
                         (left, top + height)]), fill=SHIP,
            )  # fmt: skip
            colour = SHEET
        elif outcome == Outcome.SKIP:
            self.box(left, top, right, top + height, outline=SKIP, width=3)
            self.box(left + 6, top + 6, right - 6, top + height - 6, outline=SKIP, width=3)
        elif outcome == Outcome.SPLIT:
            self.box(left, top, right, top + height, outline=INK, width=4)
            self.box(left, top, left + 12, top + height, fill=SHIP)
            self.box(right - 12, top, right, top + height, fill=SKIP)
        else:
            colour = INK_SOFT
            self.dashes(left, top, right, top + height)
        self.text(left + pad, top + size * 0.2, word, "bold", size, colour)

    def score(self, left: float, top: float, width: float, subject: Subject) -> None:
        """Draw the mean score as a bar from 0 to 100; in words where no mean is known."""
        if subject.mean_score is None:
            share = subject.strip.share
            text = "No review yet" if share is None else f"{share}% of the panel ship it"
            self.text(left, top, text, "plain", 26, INK_SOFT)
            return
        label = f"{subject.mean_score:.0f}/100"
        used = self.text(left, top, label, "bold", 28, INK) + 20
        start, end = left + used, left + width
        self.box(start, top + 10, end, top + 24, fill=RULE)
        if subject.mean_score:
            end = start + (end - start) * subject.mean_score / 100
            self.box(start, top + 10, end, top + 24, fill=INK)


def _scaled(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * SCALE, y * SCALE) for x, y in points]
