#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""guest.py PLAN: takes the steps of a plan that tests/bench/run wrote. Runs in the guest.

Nothing that is written here outlives the guest, so each result is a line of output: @ and JSON. A step begins with one
as well, so that it is known what a guest died of.
"""

import json
import subprocess
import sys

import measure
import rows
import sides
from pair import Failed, Stuck


def tell(**what):
    print("@" + json.dumps(what), flush=True)


def take(row, side, limit):
    if side != "tcp":
        sides.load(side)
        sides.set_crc(row.crc)
    value, more = measure.KINDS[row.kind](limit * row.patience, *row.args)
    return {"value": value, **more}


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    known = {row.name: row for row in rows.rows(plan["engine"])}
    sides.prepare(plan["siw"])
    for number, side, name in plan["steps"]:
        what = {"round": number, "side": side, "row": name}
        tell(begin=what)
        try:
            tell(**what, **take(known[name], side, plan["limit"]))
        except Stuck as stuck:
            tell(**what, failed=str(stuck))
            sys.exit(3)
        except (Failed, ValueError, KeyError, OSError) as failed:
            tell(**what, failed=str(failed))
        except subprocess.SubprocessError as failed:
            tell(**what, failed=f"{side} can not be loaded: {failed}")
            sys.exit(3)


if __name__ == "__main__":
    main()
