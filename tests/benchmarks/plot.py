"""Ratios as bars with the mark that each is to reach, in an SVG that stands by itself."""

from html import escape

WIDTH, ROW, LEFT, RIGHT, TOP = 760, 30, 290, 90, 46
STYLE = (
    "text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#22282c}"
    ".figure{font-family:ui-monospace,monospace}.bar{fill:#1d5c4a}.short{fill:#a63d2f}"
    ".wanted{stroke:#22282c;stroke-width:2}.grid{stroke:#d8d2c4}.page{fill:#faf8f2}"
)


def plot(rows, title):
    """Return the picture of the rows that are held against something, each with `ratio`."""
    rows = [row for row in rows if row.get("against") and row.get("wanted")]
    most = max([1.0, *(row["ratio"] for row in rows)])
    scale = (WIDTH - LEFT - RIGHT) / most
    height = TOP + ROW * len(rows) + 30
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}"><style>{STYLE}</style>',
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text x="16" y="26" font-weight="700">{escape(title)}</text>',
    ]
    for tick in range(int(most) + 1):
        x = LEFT + tick * scale
        pieces.append(
            f'<path class="grid" d="M{x:.1f} {TOP - 6}V{height - 24}"/>'
            f'<text class="figure" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{tick}</text>'
        )
    for number, row in enumerate(rows):
        y = TOP + ROW * number
        bar = "bar" if row["ratio"] >= row["wanted"] else "short"
        wanted = LEFT + row["wanted"] * scale
        pieces.append(
            f'<text x="{LEFT - 10}" y="{y + 17}" text-anchor="end">{escape(row["name"])}</text>'
            f'<rect class="{bar}" x="{LEFT}" y="{y + 4}" width="{row["ratio"] * scale:.1f}" '
            f'height="18"/><path class="wanted" d="M{wanted:.1f} {y}v26"/>'
            f'<text class="figure" x="{LEFT + row["ratio"] * scale + 8:.1f}" y="{y + 17}">'
            f"{row['ratio']:.2f}</text>"
        )
    return "\n".join([*pieces, "</svg>\n"])
