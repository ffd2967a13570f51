"""Decoded frames as upright RGB pictures of one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from av import VideoFrame

_SQUARE = 0.01  # deviation from square pixels that is left alone
_NARROWEST = 4  # times as high as wide, or as wide as high, that a pixel may be


@dataclass(frozen=True)
class Crop:
    """A part of the picture: width, height, and its upper left corner, in pixels."""

    width: int
    height: int
    x: int = 0
    y: int = 0


class Pictures:
    """Turns decoded frames into RGB, uint8 (H, W, 3), as players show them.

    Colors are those of `simple_video_utils`, by which `pose_format` reads videos, to the byte, and those of OpenCV's
    `VideoCapture`, which differs in odd sizes and more than 8 bits (bicubic chroma: measured, up to 9 of 255). Then,
    where they apply: of interlaced frames the lines of one field, those of the other interpolated; non-square pixels
    made square, by more rows or columns; turned and mirrored as the file says. Frames of another size than the first
    are scaled into its middle.

    Args:
        first: a frame.
        pixel_aspect: width of a pixel by its height, as the container states it; None: square.
        crop: what is returned of each picture.

    Attributes:
        size: width and height of the whole picture.
        pixel_aspect: as it is applied; 1 for square pixels.
        resized: number of frames that had another size.
        interlaced: number of interlaced frames.
    """

    def __init__(self, first: VideoFrame, pixel_aspect: Fraction | None, crop: Crop | None = None) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()
        self.crop = crop
        self.pixel_aspect = float(pixel_aspect or 1)
        if abs(self.pixel_aspect - 1) < _SQUARE or not 1 / _NARROWEST <= self.pixel_aspect <= _NARROWEST:
            self.pixel_aspect = 1.0
        self.resized = self.interlaced = 0
        self._first = (first.width, first.height)
        # Side data and its frame hold each other until Python looks for such circles, gigabytes later: asked for once.
        self._rotation, self._orientation = first.rotation, _orientation(first)
        width, height = self._square(*self._first)
        self.size = (height, width) if self._orientation[0] else (width, height)

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        image = self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        if frame.interlaced_frame and len(image) > 2:
            self.interlaced += 1
            image = _one_field(image)
        size = self._square(frame.width, frame.height)
        if size != (frame.width, frame.height):
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        if frame.rotation != self._rotation:
            self._rotation, self._orientation = frame.rotation, _orientation(frame)
        transposed, mirror = self._orientation
        if transposed:
            image = cv2.transpose(image)
        if mirror is not None:
            image = cv2.flip(image, mirror)
        if image.shape[1::-1] != self.size:
            self.resized += 1
            image = _fitted(image, self.size)
        if self.crop:
            image = image[self.crop.y : self.crop.y + self.crop.height, self.crop.x : self.crop.x + self.crop.width]
        return np.ascontiguousarray(image)

    def _square(self, width: int, height: int) -> tuple[int, int]:
        """Size with square pixels, of which there are not fewer."""
        if self.pixel_aspect > 1:
            return round(width * self.pixel_aspect), height
        return width, round(height / self.pixel_aspect)


def _orientation(frame: VideoFrame) -> tuple[bool, int | None]:
    """Whether rows are columns, and how the picture is then to be mirrored, as `cv2.flip` says it."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None or data.buffer_size < 36:
        return False, None
    # x' = a x + c y, y' = b x + d y; matrices that are not of quarter turns are taken for the nearest.
    a, b, _, c, d, *_ = np.frombuffer(data, "<i4", 9).astype(np.float64).tolist()
    transposed = abs(b) + abs(c) > abs(a) + abs(d)
    left, up = (c < 0, b < 0) if transposed else (a < 0, d < 0)
    return transposed, -1 if left and up else 1 if left else 0 if up else None


def _one_field(image: np.ndarray) -> np.ndarray:
    """The picture with every other line interpolated from those above and below: no combs where something moves."""
    image = image.copy()
    above, below = image[0:-2:2], image[2::2]
    image[1:-1:2] = cv2.addWeighted(above, 0.5, below, 0.5, 0)
    if len(image) % 2 == 0:
        image[-1] = image[-2]
    return image


def _fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture scaled into the middle of one of `size`, its proportions kept."""
    scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
    width, height = (max(1, round(scale * length)) for length in image.shape[1::-1])
    fitted = np.zeros((size[1], size[0], 3), np.uint8)
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted[y : y + height, x : x + width] = cv2.resize(image, (width, height), interpolation=how)
    return fitted
