"""The proportions of signers and their neutral face, from which the body of the rule-based signer comes.

uv run python benchmarks/body_proportions.py [--data folder] [--face mean_face.csv]

Reads the `.pose` files below the folder. Prints JSON, in shoulder widths, of each person (a folder or a name in an
`index.csv`) and over people median, standard deviation and number: upper arm where it is longest (it hangs), forearm
and palm where they are longest (nothing foreshortens them, but what is near the camera is larger), outer corners of
the eyes, face, heights over the middle of the shoulders, hips. `--face` writes the mean of MediaPipe's 468 face points
over the full meshes: frames with closed lips, aligned by similarity, mirrored and averaged, stretched to the breadth
and height that the median person's face has; in metres from the middle of the eyes, x to the signer's left, y up, z
out.
"""

import argparse
import csv
import json
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np

from pose_core import UserError, read
from pose_core.skeleton.faces import mesh_mirror

DATA = Path(__file__).resolve().parents[2] / "shared/data"
EYES = 0.087
"""Between the outer corners of the eyes as MediaPipe sees them, in metres: pupils are 0.745 of it apart in meshes with
irises, and 63.4 mm in adults (Dodgson, "Variation and extrema of human interpupillary distance", 2004: 64.0 and 61.7
in men and women)."""
NEARER = 0.97
"""The shoulders in the picture by what they were as near as the face, 6 cm before them at 2 m."""
CLOSED = 0.05  # lips so near to each other, by the eyes
SHOULDER, ELBOW, WRIST, HIP = "SHOULDER", "ELBOW", "WRIST", "HIP"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--face", type=Path, help="write the mean face here")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    people, meshes = defaultdict(list), defaultdict(list)
    for person, path in files(arguments.data):
        try:
            sequence = read(path)
        except UserError:
            continue
        points = Points(sequence)
        if points.has("POSE_LANDMARKS", "LEFT_SHOULDER"):
            people[person].append(clip_measures(points))
        if (mesh := neutral_meshes(points)) is not None:
            meshes[person].append(mesh)
    names = sorted({name for clips in people.values() for clip in clips for name in clip})
    by_person = {p: {n: median([c.get(n, np.nan) for c in clips]) for n in names} for p, clips in people.items()}
    table = {n: [m[n] for m in by_person.values() if np.isfinite(m[n])] for n in names}
    over = {n: {"median": median(v), "sd": round(float(np.std(v)), 3), "people": len(v)} for n, v in table.items()}
    width = EYES / over["eyes"]["median"] / NEARER
    print(json.dumps({"shoulder width in metres": round(width, 3), "over people": over, "people": by_person}, indent=1))
    if arguments.face:
        breadth, height = (over[n]["median"] / over["eyes"]["median"] for n in ("face breadth", "face height"))
        np.savetxt(arguments.face, mean_face(meshes, breadth, height), fmt="%.4f", delimiter=",")


def files(data: Path) -> list[tuple[str, Path]]:
    """Persons and files, as far as known who is who."""
    found = [(f"formats/{p.stem}", p) for p in sorted(data.glob("formats/*full*.pose"))]
    found += [("dgs", p) for p in sorted(data.glob("dgs_sentences/*original.pose"))]
    found += [(f"fingerspelling/{p.parent.name}", p) for p in sorted(data.glob("fingerspelling/*/*.pose"))]
    with (data / "signs/index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if "hands/" not in row["path"]:
                folder = row["path"].split("/")[0]
                found.append((f"{folder}/{row['person']}", data / "signs" / row["path"]))
    return found


class Points:
    """A clip's points by name, NaN where they are not seen well."""

    def __init__(self, sequence):
        self.sequence = sequence
        self.index = {name: i for i, name in enumerate(sequence.skeleton.keypoints)}
        self.keypoints = np.where((sequence.confidence > 0.5)[..., None], sequence.keypoints, np.nan).astype(np.float64)

    def has(self, component, name):
        return (component, name) in self.index

    def __call__(self, component, name):
        """(T, 2)."""
        if not self.has(component, name):
            return np.full((len(self.sequence), 2), np.nan)
        return self.keypoints[:, self.index[component, name], :2]

    def face(self, number):
        return self("FACE_LANDMARKS", str(number))

    def body(self, name):
        return self("POSE_LANDMARKS", name)


def clip_measures(points: Points) -> dict[str, float]:
    """In shoulder widths."""
    left, right = points.body("LEFT_SHOULDER"), points.body("RIGHT_SHOULDER")
    unit, middle = np.nanmedian(np.linalg.norm(left - right, axis=1)), (left + right) / 2
    longest = {"upper arm": [], "forearm": [], "palm": []}
    for side in ("LEFT_", "RIGHT_"):
        longest["upper arm"].append((points.body(side + SHOULDER), points.body(side + ELBOW)))
        longest["forearm"].append((points.body(side + ELBOW), points.body(side + WRIST)))
        hand = side + "HAND_LANDMARKS"
        longest["palm"].append((points(hand, "WRIST"), points(hand, "MIDDLE_FINGER_MCP")))
    measures = {n: np.nanmax([np.nanpercentile(far(*pair), 98) for pair in pairs]) for n, pairs in longest.items()}
    eyes = (points.face(33) + points.face(263)) / 2
    hips = (points.body("LEFT_HIP") + points.body("RIGHT_HIP")) / 2
    measures["eyes"] = np.nanmedian(far(points.face(33), points.face(263)))
    measures["face height"] = np.nanmedian(far(points.face(10), points.face(152)))
    measures["face breadth"] = np.nanmedian(far(points.face(234), points.face(454)))
    measures["hips"] = np.nanmedian(far(points.body("LEFT_HIP"), points.body("RIGHT_HIP")))
    measures["ears"] = np.nanmedian(far(points.body("LEFT_EAR"), points.body("RIGHT_EAR")))
    heights = {"eyes up": eyes, "chin up": points.face(152), "forehead up": points.face(10), "hips up": hips}
    for name, place in heights.items():
        measures[name] = np.nanmedian((middle - place)[:, 1])
    return {name: float(value / unit) for name, value in measures.items()}


def far(first, second):
    return np.linalg.norm(first - second, axis=1)


def median(values):
    return round(float(np.nanmedian(values)), 3)


def neutral_meshes(points: Points):
    """The full meshes (n, 468, 3) of frames with closed lips, in picture widths."""
    if not points.has("FACE_LANDMARKS", "3"):  # which reduced ones lack
        return None
    sequence = points.sequence
    mesh = points.keypoints[:, [points.index["FACE_LANDMARKS", str(i)] for i in range(468)]].copy()
    mesh[..., :2] /= sequence.size[0]
    mesh = mesh[np.isfinite(mesh).all(axis=(1, 2))] * [1, -1, -1]
    lips = np.linalg.norm(mesh[:, 13] - mesh[:, 14], axis=-1)
    return mesh[lips < CLOSED * np.linalg.norm(mesh[:, 33] - mesh[:, 263], axis=-1)]


def mean_face(meshes, breadth: float, height: float):
    """(468, 3) in metres; breadth and height by the distance of the eyes."""
    mirror = list(mesh_mirror()[:468])
    mean = None
    people = [np.concatenate(clips) for clips in meshes.values() if sum(map(len, clips))]
    for _ in range(5):
        target = people[0][0] if mean is None else mean
        per_person = [np.median([aligned(mesh, target) for mesh in person], axis=0) for person in people]
        mean = np.mean(per_person, axis=0)
        flipped = mean[mirror] * [-1, 1, 1]
        mean = (mean + aligned(flipped, mean)) / 2
    mean = upright(mean)
    mean -= (mean[33] + mean[263]) / 2
    mean = (mean + mean[mirror] * [-1, 1, 1]) / 2
    mean /= mean[263, 0] - mean[33, 0]
    mean[:, 0] *= np.interp(abs(mean[:, 0]), [0.5, mean[454, 0]], [1, breadth / (2 * mean[454, 0])])
    mean[:, 1] *= height / (mean[10, 1] - mean[152, 1])
    return EYES * mean


def aligned(points, target):
    """Similarity to a target by least squares (Umeyama 1991)."""
    a, b = points - points.mean(axis=0), target - target.mean(axis=0)
    u, s, vt = np.linalg.svd(b.T @ a)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    return (s @ signs) / (a**2).sum() * a @ (u * signs @ vt).T + target.mean(axis=0)


def upright(face):
    """x along the eyes, y from chin to forehead."""
    x = face[263] - face[33]
    y = face[10] - face[152]
    x = x / np.linalg.norm(x)
    y = y - (y @ x) * x
    y = y / np.linalg.norm(y)
    return face @ np.stack([x, y, np.cross(x, y)], axis=1)


if __name__ == "__main__":
    main()
