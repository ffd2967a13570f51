"""The error of what has no symbol."""

from __future__ import annotations

from pose_core import UserError


def no_symbol(what: str) -> UserError:
    """The error of a tree that HamNoSys cannot write."""
    return UserError(f"HamNoSys has no symbol for {what}; SiGML has")
