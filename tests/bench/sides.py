# SPDX-License-Identifier: GPL-2.0
"""Ours and mainline's modules, of which one set is loaded at a time; runs in the guest.

Mainline's siw does not know namespaces: its devices are shared by all. So a server in a, which listens on every address,
listens on b's device as well, and needs that one's index to differ from that of a's (WHARF_INDEXES_DIFFER).
"""

import os
import shutil
import subprocess

HOSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../guest/hosts")
OURS = os.environ.get("WHARF_MODULES", "")
MAINLINE = "/run/mainline"
OF_OURS = ("portspace.ko", "iwarp_cm.ko", "rdma_ucm.ko", "siw.ko", "rnic.ko")

loaded = "ours" # the guest came up so
crc = True


def prepare(siw):
    """The stock modules and mainline's siw, in a folder that tests/guest/hosts can load."""
    os.mkdir(MAINLINE)
    with open(os.path.join(OURS, "order")) as file:
        names = [name for name in file.read().split() if name not in OF_OURS]
    for name in names:
        shutil.copy(os.path.join(OURS, name), MAINLINE)
    shutil.copy(os.path.join(OURS, "stock_rdma_ucm.ko"), os.path.join(MAINLINE, "rdma_ucm.ko"))
    shutil.copy(siw, os.path.join(MAINLINE, "siw.ko"))
    with open(os.path.join(MAINLINE, "order"), "w") as file:
        file.write("\n".join([*names, "rdma_ucm.ko", "siw.ko", ""]))


def hosts(side, verb):
    more = {"WHARF_MODULES": OURS} if side == "ours" else {"WHARF_MODULES": MAINLINE, "WHARF_INDEXES_DIFFER": "1"}
    subprocess.run([HOSTS, verb], env={**os.environ, **more}, stdout=subprocess.DEVNULL, check=True, timeout=120)


def load(side):
    """SIDE's modules and two hosts, if they are not there yet."""
    global loaded, crc
    if side == loaded:
        return
    hosts(loaded, "down")
    hosts(loaded, "unload")
    loaded = None
    hosts(side, "load")
    if side == "mainline":
        subprocess.run(["rdma", "system", "set", "netns", "shared"], check=True)
    hosts(side, "up")
    loaded, crc = side, side == "ours"


def set_crc(wanted):
    """On both ends, for connections made from now on."""
    global crc
    if crc == wanted:
        return
    if loaded == "ours":
        for host in "ab":
            subprocess.run(["ip", "netns", "exec", host, "sh", "-c",
                            f"echo {wanted:d} >/sys/class/infiniband/siw_{host}/siw/mpa_crc"], check=True)
    else:
        with open("/sys/module/siw/parameters/mpa_crc_required", "w") as file:
            file.write(f"{wanted:d}")
    crc = wanted
