"""The models of a server, and what it does with them; each call stands alone, and may run beside others."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pose_core import UserError
from pose_core.bundled import described_model
from pose_core.metrics import anatomy
from pose_core.pretrained import find_model
from pose_core.skeleton import LAYOUT_NAMES
from text_to_pose.app import requests
from text_to_pose.app.files import poses_answer, read_poses
from text_to_pose.backends import load_network
from text_to_pose.commands import is_finite, language_of, person_of, reads_notation, signs_of_text
from text_to_pose.config import BUNDLED, Sampler, Schedule
from text_to_pose.data.hands import dominant_hand
from text_to_pose.fingerspelling.fluency import Fluency
from text_to_pose.generation import sign_texts
from text_to_pose.hamnosys.parser import parse
from text_to_pose.sampling import Sampling
from text_to_pose.sign_commands import RULES
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.person import measured
from text_to_pose.signing.signer import sign
from text_to_pose.text.alphabets import alphabets
from text_to_pose.text.hamnosys import is_meant_as_notation
from text_to_pose.text.spelling import WORD_SPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core import PoseSequence
    from pose_core.skeleton import Side
    from text_to_pose.app.files import Answer
    from text_to_pose.app.requests import GenerateRequest, SignRequest
    from text_to_pose.network import Network

PERSON = "start_frame"
"""What a file with the person who signs is called."""


class Service:
    """Models that are loaded once, under the names by which requests ask for them; no others are ever loaded.

    Args:
        checkpoints: as `load_model` takes them.

    Raises:
        UserError: one cannot be used, or two have one name.
    """

    def __init__(self, checkpoints: Sequence[str]) -> None:
        self.networks: dict[str, Network] = {}
        self._about: list[dict[str, Any]] = []
        for checkpoint in checkpoints:
            folder = find_model(checkpoint, BUNDLED)
            name = checkpoint if checkpoint in BUNDLED else Path(checkpoint).resolve().name
            if name in self.networks:
                raise UserError(f"{checkpoint}: there is another model called {name}; rename its folder")
            network = load_network(checkpoint)
            self.networks[name] = network
            self._about.append(
                {
                    "name": name,
                    "about": described_model(folder, name).about,
                    "texts": network.tokenizer.kind,
                    "steps": network.config.num_steps,
                    "guidance": network.config.guidance,
                    "languages": [asdict(each) for each in alphabets(checkpoint)],
                }
            )

    def describe(self) -> dict[str, Any]:
        """What may be asked for: models, choices and limits."""
        return {
            "models": self._about,
            "samplers": get_args(Sampler),
            "schedules": get_args(Schedule),
            "layouts": [*LAYOUT_NAMES],
            "limits": {
                "characters": requests.MOST_CHARACTERS,
                "letters": requests.MOST_LETTERS,
                "steps": requests.MOST_STEPS,
                "frames": requests.MOST_FRAMES,
                "json_frames": requests.MOST_JSON_FRAMES,
            },
        }

    def generate(
        self, request: GenerateRequest, person: bytes | None, on_step: Callable[[], None] = lambda: None
    ) -> Answer:
        """Generates a text by a model; notation, where no model is named, by its rules.

        Args:
            request: what.
            person: a `.pose` file, whose person signs.
            on_step: called after every step of a model; what it raises ends the work.

        Raises:
            UserError: a text, name or file that cannot be used.
        """
        text = request.text.strip()
        if request.checkpoint is None and is_meant_as_notation(text):
            hand = request.dominant_hand
            return self.sign(requests.SignRequest(text=text, dominant_hand=hand, format=request.format), person)
        name = self._name(request.checkpoint)
        network = self.networks[name]
        language = language_of(network, request.signed_language)
        signs = signs_of_text(network, text, language, borrow_letters=request.borrow_letters)
        letters = sum(sign != WORD_SPACE for sign in signs)
        if letters > requests.MOST_LETTERS:
            raise UserError(f"{letters} letters; the server spells at most {requests.MOST_LETTERS} at once")
        hand, start, body = _side(request.dominant_hand), None, None
        if person is not None:
            sequence = read_poses(person, PERSON)
            start, body = person_of(network, sequence, Path(f"{PERSON}.pose"), request.frame)
            hand = hand or dominant_hand(sequence)
        fluent = request.style == "fluent"
        sampling = Sampling(
            request.sampler, request.steps, request.schedule, request.guidance, seed=request.seed, batch_size=16
        )
        (signed,) = sign_texts(
            network.watched(on_step),
            [signs],
            language,
            start=start,
            body=body,
            dominant_hand=hand,
            fluency=Fluency(request.letters_per_second, request.hold) if fluent else None,
            sampling=sampling,
        )
        if not is_finite(signed.sequence):
            scale = sampling.scale(network.config)
            raise UserError(f"what was generated is not finite; guidance {scale:g} may be too strong")
        notation = reads_notation(network, language)
        title = "sign" if notation else "".join(sign if sign.isalpha() else "-" for sign in signs).lower()[:60]
        return _answer(signed.sequence, request.format, title, [], name)

    def sign(self, request: SignRequest, person: bytes | None) -> Answer:
        """Signs notation by its rules, a sign per line.

        Raises:
            UserError: no notation, or a layout or file that cannot be used.
        """
        lines = [line for line in request.text.splitlines() if line.strip()]
        if not lines:
            raise UserError("the text is empty; give a sign in HamNoSys")
        signs = [parse(line.strip()) for line in lines]
        remarks, body, hand = [], MEAN_BODY, _side(request.dominant_hand)
        if person is not None:
            sequence = read_poses(person, PERSON)
            hand = hand or dominant_hand(sequence)
            found = measured(sequence)
            body = found.body
            remarks += [found.notice] if found.notice else []
        signed = sign(
            signs, body=body, fps=request.fps, speed=request.speed, layout=request.layout, left_handed=hand == "left"
        )
        for number, off in enumerate(signed.departures, 1):
            which = f"sign {number} " if len(signs) > 1 else ""
            remarks += [f"{which}could not be signed as written: {each}" for each in off]
        return poses_answer(signed.sequence, request.format, "sign", remarks, RULES)

    def _name(self, checkpoint: str | None) -> str:
        """The model of that name, or the first.

        Raises:
            UserError: the server was not started with such a model.
        """
        if checkpoint is not None and checkpoint not in self.networks:
            raise UserError(f"no model {checkpoint!r} here; there are: {', '.join(self.networks)}")
        return checkpoint or next(iter(self.networks))


def _answer(sequence: PoseSequence, format: requests.PoseFormat, title: str, remarks: list[str], name: str) -> Answer:
    problem = anatomy(sequence).summary()
    return poses_answer(sequence, format, title, [*remarks, problem] if problem else remarks, name)


def _side(given: requests.DominantHand) -> Side | None:
    return None if given == "auto" else given
