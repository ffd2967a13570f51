"""A camera in front of the signer: from metres in the frame of `signing.frame` to pixels of its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from text_to_pose.signing.vectors import Array

SIZE = (640, 512)
"""Width and height of the picture in pixels: from above the head to below the stomach, and both arms held out bent."""
_AIM = -0.04  # metres above the middle of the shoulders; where the camera looks, a little below them


@dataclass(frozen=True)
class Camera:
    """A camera that looks at the signer's chest. Those at other distances zoom: the signer is as large in all.

    Attributes:
        turn: degrees that it stands to the signer's left of straight ahead.
        height: metres above the middle of the shoulders; it looks down from there.
        tilt: degrees that it is rolled about the line of sight, clockwise as seen from behind it.
        distance: metres from the signer.
        size: width and height of the picture in pixels; a metre at the shoulders is as high as the picture, or less
            where the picture is narrower than `SIZE`.
    """

    turn: float = 0.0
    height: float = 0.0
    tilt: float = 0.0
    distance: float = 2.0
    size: tuple[int, int] = SIZE

    @property
    def scale(self) -> float:
        """Pixels of a metre at the distance of the shoulders."""
        width, height = self.size
        return min(height, width * SIZE[1] / SIZE[0])

    @property
    def axes(self) -> Array:
        """(3, 3) rows: right, down and away from the camera, in the frame of the signer."""
        turn, tilt = np.radians([self.turn, self.tilt])
        level = np.sqrt(max(self.distance**2 - (self.height - _AIM) ** 2, 0.0))
        away = -np.array([level * np.sin(turn), self.height - _AIM, level * np.cos(turn)]) / self.distance
        right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
        down = np.cross(away, right)
        cos, sin = np.cos(tilt), np.sin(tilt)
        return np.stack([cos * right + sin * down, cos * down - sin * right, away])

    def project(self, points: Array) -> Array:
        """Points (..., 3) of the signer as x and y in pixels, y down, and z, metres from the camera: (..., 3)."""
        seen = (points - np.array([0.0, _AIM, 0.0])) @ self.axes.T
        depth = np.maximum(seen[..., 2] + self.distance, 0.05)  # what is beside or behind the camera is not seen anyway
        middle = np.array(self.size) / 2
        pixels = middle + seen[..., :2] * (self.scale * self.distance / depth)[..., None]
        return np.concatenate([pixels, depth[..., None]], axis=-1)
