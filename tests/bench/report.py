#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""report.py FILE.json: what the rounds come to, as a table and a picture beside it.

Ratios are of pairs: ours and mainline's, or an adapter's and siw's, of one round. More than 1 is better for the first in every row.
"""

import json
import os
import statistics
import sys

import plot
import rows


def quartiles(values):
    if len(values) < 2:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


class Line:
    """A row, over all rounds."""

    def __init__(self, row, results):
        self.row = row
        mine = [result for result in results if result["row"] == row.name]
        self.values = {side: self.of(mine, side) for side in (*row.sides(), "tcp")}
        self.failures = {side: [r["failed"] for r in mine if r["side"] == side and "failed" in r] for side in row.sides()}
        self.asked = {side: sum(r["side"] == side for r in mine) for side in row.sides()}
        first = self.values[row.sides()[0]]
        self.ratios = self.pairs(first, self.values[row.sides()[1]]) if len(row.sides()) > 1 else []
        if row.limit: # plain TCP's own row stands beside
            self.values["tcp"] = self.of([result for result in results if result["row"] == row.limit], "tcp")
        self.of_limit = self.pairs(first, self.values["tcp"]) if not row.tcp else []

    @staticmethod
    def of(results, side):
        return {r["round"]: r["value"] for r in results if r["side"] == side and "value" in r}

    def pairs(self, ours, other):
        both = [(ours[number], other[number]) for number in sorted(ours.keys() & other.keys())]
        if self.row.more_is_better():
            return [a / b for a, b in both if b > 0]
        return [b / a for a, b in both if a > 0]

    def median(self, side):
        values = self.values.get(side, {}).values()
        return f"{statistics.median(values):.4g}" if values else "-"

    def failed(self):
        return ", ".join(f"{side} {len(why)}/{self.asked[side]}" for side, why in self.failures.items() if why)

    def cells(self):
        ratio, limit = ["-"] * 3, "-"
        if self.ratios:
            ratio = [f"{value:.3f}" for value in quartiles(self.ratios)]
        if self.of_limit:
            limit = f"{statistics.median(self.of_limit):.3f}"
        shown = [self.median(side) for side in (*columns(self.row), "tcp")]
        return [self.row.name, self.row.unit, *shown, ratio[1], ratio[0], ratio[2], str(len(self.ratios)), limit,
                self.failed()]


def columns(row):
    """The two sides that its table compares"""
    return ("rnic", "ours") if "rnic" in row.sides() else ("ours", "mainline")


def head(first, second):
    first, second = (("rnic", "siw") if first == "rnic" else (first, second))
    return ["row", "unit", first, second, "TCP", "ratio", "q1", "q3", "pairs", f"{first}/TCP", "failed"]


def tables(lines):
    """One for each kind of pair"""
    kinds = dict.fromkeys(columns(line.row) for line in lines)
    return "\n".join(table([line for line in lines if columns(line.row) == kind], head(*kind)) for kind in kinds)


def table(lines, heading):
    cells = [heading] + [line.cells() for line in lines]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heading))]
    text = []
    for row in cells:
        text.append("  ".join(cell.ljust(width) if i in (0, 1, 10) else cell.rjust(width)
                              for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    for line in lines:
        for side, why in line.failures.items():
            for reason in sorted(set(why)):
                text.append(f"FAILED {side} {line.row.name}, {why.count(reason)} of {line.asked[side]}: {reason}")
    return "\n".join(text) + "\n"


def write(path, data):
    """PATH.json, and from it PATH.txt and PATH.svg"""
    with open(path + ".json", "w") as file:
        json.dump(data, file, indent=0)
    seen = {result["row"] for result in data["results"]}
    lines = [Line(row, data["results"]) for row in rows.rows(data["engine"]) if row.name in seen]
    text = tables(lines)
    with open(path + ".txt", "w") as file:
        file.write(text)
    boxes = [(line.row.name, line.ratios, quartiles(line.ratios), line.failed()) for line in lines if len(line.row.sides()) > 1]
    pairs = sorted({len(ratios) for _, ratios, *_ in boxes if ratios} or {0})
    count = f"{pairs[0]} to {pairs[-1]}" if len(pairs) > 1 else pairs[0]
    title = f"ours / mainline's siw (rnic: / siw), {data['engine']}, {count} pairs; right of 1 is better"
    with open(path + ".svg", "w") as file:
        file.write(plot.svg(title, boxes))
    print(text + f"raw rounds: {path}.json, picture: {path}.svg", flush=True)


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        write(os.path.splitext(sys.argv[1])[0], json.load(source))
