# SPDX-License-Identifier: GPL-2.0
"""What is measured against each other, of which one is there at a time: ours, mainline's siw, and ours with both hosts on
emulated adapters ("rnic"); runs in the guest.

Mainline's siw does not know namespaces: its devices are shared by all. So a server in a, which listens on every address,
listens on b's device as well, and needs that one's index to differ from that of a's (WHARF_INDEXES_DIFFER).
"""

import os
import subprocess

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOSTS = os.path.join(TESTS, "guest/hosts")
OURS = os.environ.get("WHARF_MODULES", "")
MAINLINE = "/run/mainline"
loaded = "ours" # the guest came up so
crc = True


def prepare(siw):
    """The stock modules and mainline's siw, in a folder that tests/guest/hosts can load."""
    subprocess.run([os.path.join(TESTS, "mainline/gather"), siw, MAINLINE], check=True)


def hosts(side, *verb):
    more = {"WHARF_MODULES": MAINLINE, "WHARF_INDEXES_DIFFER": "1"} if side == "mainline" else {"WHARF_MODULES": OURS}
    subprocess.run([HOSTS, *verb], env={**os.environ, **more}, stdout=subprocess.DEVNULL, check=True, timeout=120)


def load(side):
    """SIDE's modules and two hosts, if they are not there yet."""
    global loaded, crc
    if side == loaded:
        return
    before, loaded = loaded, None
    hosts(before, "down")
    if "mainline" in (side, before):
        hosts(before, "unload")
        hosts(side, "load")
    if side == "mainline":
        subprocess.run(["rdma", "system", "set", "netns", "shared"], check=True)
    hosts(side, "up")
    if side == "rnic":
        hosts(side, "offload", "a")
        hosts(side, "offload", "b")
    loaded, crc = side, side != "mainline"


def set_crc(wanted):
    """On both ends, for connections made from now on."""
    global crc
    if crc == wanted:
        return
    if loaded != "mainline":
        kind = "rnic" if loaded == "rnic" else "siw"
        for host in "ab":
            subprocess.run(["ip", "netns", "exec", host, "sh", "-c",
                            f"echo {wanted:d} >/sys/class/infiniband/{kind}_{host}/siw/mpa_crc"], check=True)
    else:
        with open("/sys/module/siw/parameters/mpa_crc_required", "w") as file:
            file.write(f"{wanted:d}")
    crc = wanted
