# SPDX-License-Identifier: GPL-2.0
"""Box plots of ratios, one line each, on a logarithmic axis, as SVG."""

import math
from xml.sax.saxutils import escape

LABEL, WIDTH, NUMBER, LINE, TOP, BOTTOM = 170, 620, 250, 20, 44, 34
TICKS = [0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20, 50]
STYLE = """text{font:12px sans-serif;fill:#222}.title{font-size:14px}.tick{fill:#777;text-anchor:middle;font-size:11px}
.name{text-anchor:end}.grid{stroke:#e4e4e4}.one{stroke:#333}.whisker{stroke:#888}.median{stroke:#111;stroke-width:2}
.failed{fill:#b03020;font-size:11px}.better{fill:#8fc79a}.worse{fill:#e8a08d}.open{fill:#d9d9d9}.round{fill:#000;fill-opacity:.25}"""


def svg(title, boxes):
    """BOXES: (name, ratios, (first quartile, median, third quartile), what failed)"""
    values = [value for _, ratios, *_ in boxes for value in ratios] or [1]
    low, high = math.log(min([0.85, *values]) * 0.97), math.log(max([1.2, *values]) * 1.03)
    height = TOP + len(boxes) * LINE + BOTTOM

    def x(value):
        return round(LABEL + (math.log(value) - low) / (high - low) * WIDTH, 1)

    def line(x1, y1, x2, y2, kind):
        return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABEL + WIDTH + NUMBER}" height="{height}">',
           f"<style>{STYLE}</style>", '<rect width="100%" height="100%" fill="#fff"/>',
           f'<text class="title" x="10" y="20">{escape(title)}</text>']
    shown = -1000
    for tick in TICKS:
        if low <= math.log(tick) <= high:
            out.append(line(x(tick), TOP - 8, x(tick), height - BOTTOM, "one" if tick == 1 else "grid"))
            # those that would run into each other have no number
            if tick == 1 or (x(tick) - shown > 30 and not 0 < x(1) - x(tick) < 30):
                out.append(f'<text class="tick" x="{x(tick)}" y="{height - BOTTOM + 16}">{tick:g}</text>')
                shown = x(tick)
    for i, (name, ratios, quartiles, failed) in enumerate(boxes):
        y = TOP + i * LINE + LINE // 2
        out.append(f'<text class="name" x="{LABEL - 10}" y="{y + 4}">{escape(name)}</text>')
        if failed:
            out.append(f'<text class="failed" x="{LABEL + WIDTH + 50}" y="{y + 4}">failed: {escape(failed)}</text>')
        if not ratios:
            continue
        first, median, third = quartiles
        kind = "better" if first > 1 else "worse" if third < 1 else "open"
        out.append(line(x(min(ratios)), y, x(max(ratios)), y, "whisker"))
        out.append(f'<rect class="{kind}" x="{x(first)}" y="{y - 6}" width="{max(x(third) - x(first), 1):.1f}" height="12"/>')
        out.extend(f'<circle class="round" cx="{x(value)}" cy="{y}" r="1.8"/>' for value in ratios)
        out.append(line(x(median), y - 7, x(median), y + 7, "median"))
        out.append(f'<text x="{LABEL + WIDTH + 12}" y="{y + 4}">{median:.2f}</text>')
    out.append("</svg>\n")
    return "\n".join(out)
