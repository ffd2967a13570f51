"""Synthesized clips: a sign by one person, seen by cameras; the same whatever they are made beside."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.data import Clip
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.anatomy.figure import figure
from text_to_pose.signing.layouts import LAYOUT, seen
from text_to_pose.signing.movement.choreography import choreograph
from text_to_pose.synthesis.estimator import estimated
from text_to_pose.synthesis.people import camera, clip_speed, drawn_number, generator, person
from text_to_pose.text.languages import ANY_LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pose_core import PoseSequence
    from text_to_pose.synthesis.texts import Text


@dataclass(frozen=True)
class ClipSettings:
    """What decides the clips of a text.

    Attributes:
        seed: of all that is drawn.
        people: how many sign.
        signings: how often each sign of the train split is signed; one that is held out is signed once.
        cameras: that film each signing; one, of a sign that is held out.
        left_handed: share of people who sign with the left hand.
        in_flow: share of the train split's signings that begin where another sign ends, not with hands at rest.
        fps: frames per second.
        layout: see `pose_core.skeleton.named_skeleton`.
        estimator: keypoints as an estimator finds them, with its errors; else where they are.
    """

    seed: int = 0
    people: int = 200
    signings: int = 2
    cameras: int = 2
    left_handed: float = 0.1
    in_flow: float = 0.25
    fps: float = 25.0
    layout: str = LAYOUT
    estimator: bool = True


_person = lru_cache(maxsize=512)(person)  # a person's handshapes and surface are worked out once


def clips_of(text: Text, settings: ClipSettings, others: Sequence[Text] = ()) -> Iterator[tuple[Clip, PoseSequence]]:
    """The clips of a text.

    Signs that are held out are signed at the usual speed, from rest, by people who sign in no clip of the train split:
    what is left to predict is what the text says.

    Args:
        text: what is signed.
        settings: of the data set.
        others: signs that a clip of the train split may begin after.

    Raises:
        UserError: the signer does not know how.
    """
    digest = hashlib.sha256(text.hamnosys.encode()).digest()
    train = text.split == "train"
    for signing in range(settings.signings if train else 1):
        rng = generator(settings.seed, 3, signing, *digest[:8])
        signer = _person(drawn_number(settings.people, text.split, rng), settings.seed, settings.left_handed)
        speed = signer.speed * clip_speed(rng) if train else 1.0
        before = [others[int(rng.integers(len(others)))]] if train and rng.uniform() < settings.in_flow else []
        motion = choreograph(
            [parse(each.hamnosys) for each in (*before, text)], signer.body, fps=settings.fps, speed=speed
        )
        begins = motion.spans[0][1] - 1 if before else 0
        moving = figure(motion, signer.body)
        for view in range(settings.cameras if train else 1):
            sequence = seen(moving, camera(rng), settings.layout, mirrored=signer.left_handed)[begins:]
            if settings.estimator:
                sequence = estimated(sequence, rng)
            name = f"{digest.hex()[:12]}-{signing}-{view}.pose"
            clip = Clip(Path(name), text.hamnosys, ANY_LANGUAGE, text.split, person=signer.name)
            yield clip, replace(sequence, fps=settings.fps)
