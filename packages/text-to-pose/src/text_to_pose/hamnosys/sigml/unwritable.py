"""The error of what has no attribute."""

from __future__ import annotations

from pose_core import UserError


def no_attribute(what: str) -> UserError:
    """The error of a tree that gestural SiGML cannot write."""
    return UserError(f"gestural SiGML has no element or attribute for {what}; write it as hns_sign")
