"""Mean 0 and standard deviation 1, a component at a time, by what a data set has."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from array_api_compat import device

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError
from pose_core.transforms.arrays import Array, namespace, with_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton
    from pose_core.transforms.arrays import Poses

_CONSTANT = 1e-6  # a smaller standard deviation is a coordinate that is the same everywhere (z of 2-D poses)


@dataclass(frozen=True)
class ComponentStatistics:
    """Count of a component's visible keypoints, mean and standard deviation of each of their D coordinates."""

    count: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each component, by name."""

    components: dict[str, ComponentStatistics]

    @classmethod
    def fit(cls, sequences: Iterable[PoseSequence]) -> Statistics:
        """Statistics of a data set in one pass that holds one sequence at a time.

        Raises:
            UserError: there are no sequences, or a component of theirs is visible in none.
        """
        running = RunningStatistics()
        for sequence in sequences:
            running.add(sequence)
        return running.statistics()

    @classmethod
    def load(cls, path: str | Path) -> Statistics:
        """Reads statistics from a JSON file that `save` wrote.

        Raises:
            UserError: it is not there, or not such a file.
        """
        try:
            components = json.loads(Path(path).read_text(encoding="utf-8"))["components"]
            return cls({name: _component_statistics(values) for name, values in components.items()})
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: not a statistics file ({error!r}); make one with `pose-core stats`") from error

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes a JSON file."""
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def of(self, skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
        """(K, D) mean and standard deviation of every keypoint's component, 1 for a coordinate that never changes.

        Raises:
            UserError: there are none for a component of the skeleton, or for another number of coordinates.
        """
        mean, std = (np.zeros((skeleton.num_keypoints, skeleton.num_dims)) for _ in range(2))
        for component in skeleton.components:
            statistics = self.components.get(component.name)
            if statistics is None or len(statistics.mean) != skeleton.num_dims:
                raise UserError(
                    f"the statistics are of {', '.join(self.components)}, not of {component.name} in "
                    f"{skeleton.num_dims}-D; fit them on data like this"
                )
            part = skeleton.slice_of(component.name)
            mean[part], std[part] = statistics.mean, statistics.std
        return mean, np.where(std > _CONSTANT, std, 1.0)


class RunningStatistics:
    """`Statistics` of sequences that come one by one."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sums] = {}

    def add(self, sequence: PoseSequence) -> None:
        """Counts in a sequence (T, K, D)."""
        visible = sequence.visible
        for component in sequence.skeleton.components:
            part = sequence.skeleton.slice_of(component.name)
            points = sequence.keypoints[:, part][visible[:, part]]  # (N, D)
            self._sums.setdefault(component.name, _Sums(sequence.skeleton.num_dims)).add(points)

    def statistics(self) -> Statistics:
        """Statistics of all sequences added so far.

        Raises:
            UserError: there were none, or a component of theirs is visible in none.
        """
        if not self._sums:
            raise UserError("no sequences to take statistics of")
        for name, total in self._sums.items():
            if not total.count:
                raise UserError(f"component {name} is seen in no frame of the data; drop it before taking statistics")
        return Statistics({name: total.statistics() for name, total in self._sums.items()})


def standardize(poses: Poses, statistics: Statistics) -> Poses:
    """Keypoints (..., T, K, D) minus their component's mean, by its standard deviation; missing ones at 0."""
    mean, std = _like(poses, statistics)
    xp, visible = namespace(poses), poses.visible
    confidence = xp.where(visible, poses.confidence, xp.zeros_like(poses.confidence))
    return with_values(poses, (poses.keypoints - mean) / std, confidence)


def unstandardize(poses: Poses, statistics: Statistics) -> Poses:
    """Inverse of `standardize`."""
    mean, std = _like(poses, statistics)
    return with_values(poses, poses.keypoints * std + mean, poses.confidence)


def _like(poses: Poses, statistics: Statistics) -> tuple[Array, Array]:
    xp = namespace(poses)
    mean, std = statistics.of(poses.skeleton)
    like = {"dtype": poses.keypoints.dtype, "device": device(poses.keypoints)}
    return xp.asarray(mean, **like), xp.asarray(std, **like)


def _component_statistics(values: dict) -> ComponentStatistics:
    mean, std = (tuple(float(number) for number in values[key]) for key in ("mean", "std"))
    return ComponentStatistics(int(values["count"]), mean, std)


class _Sums:
    """Count, mean and sum of squared deviations of points met so far, each part merged as Chan et al. (1979) do."""

    def __init__(self, dims: int) -> None:
        self.count = 0
        self.mean = np.zeros(dims)
        self.squares = np.zeros(dims)

    def add(self, points: np.ndarray) -> None:
        """Points (N, D)."""
        if not len(points):
            return
        points = points.astype(np.float64)
        mean = points.mean(axis=0)
        delta, total = mean - self.mean, self.count + len(points)
        self.squares += ((points - mean) ** 2).sum(axis=0) + delta**2 * self.count * len(points) / total
        self.mean += delta * len(points) / total
        self.count = total

    def statistics(self) -> ComponentStatistics:
        std = np.sqrt(self.squares / self.count)
        return ComponentStatistics(self.count, tuple(self.mean.tolist()), tuple(std.tolist()))
