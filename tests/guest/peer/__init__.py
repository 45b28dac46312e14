# SPDX-License-Identifier: GPL-2.0
"""A scripted iWARP peer, and what a guest case needs to set it against the real module."""
