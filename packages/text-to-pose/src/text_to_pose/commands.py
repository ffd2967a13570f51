"""The work of `text-to-pose generate`: check everything, work, then write everything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError, read
from pose_core.atomic_files import (
    check_stdout,
    copy_to_stdout,
)
from pose_core.command_line import say, warn
from pose_core.inputs import PIPE
from pose_core.metrics import anatomy
from pose_core.outputs import check_outputs
from pose_core.writing import WRITABLE, write_poses
from text_to_pose.data.hands import dominant_hand
from text_to_pose.fingerspelling.fluency import Fluency
from text_to_pose.text.hamnosys import is_meant_as_notation
from text_to_pose.text.languages import ANY_LANGUAGE
from text_to_pose.text.spelling import WORD_SPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence
    from pose_core.skeleton import Side
    from text_to_pose.backends import Backend
    from text_to_pose.generation import SignedText
    from text_to_pose.network import Network
    from text_to_pose.sampling import Sampling
    from text_to_pose.sign_commands import RuleSigner
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.start_frames import StartFrames


LETTERS = "fingerspelling"
"""The bundled model of letters, which reads no notation."""
WHICH_LANGUAGE = "letters and words need --signed-language; `text-to-pose languages` lists them"


@dataclass(frozen=True)
class GenerationOptions:
    """Options of one call, for all of its texts; see `text-to-pose generate --help`."""

    signed_language: str  # "" where it is not given, as notation needs none
    checkpoint: str
    sampling: Sampling
    fluency: Fluency | None
    borrow_letters: bool
    captions: bool
    start_frame: str | None
    dominant_hand: Side | None
    frames: int | None
    seconds: float | None
    device: str
    backend: Backend
    overwrite: bool

    def by_rules(self, text: str) -> bool:
        """Whether a text is signed by the rules: it is notation, and no model was asked for that reads it."""
        return self.checkpoint == LETTERS and is_meant_as_notation(text)

    def start(self) -> tuple[Path, int | None] | None:
        """File and frame of `--start-frame`, FILE or FILE:FRAME."""
        if self.start_frame is None:
            return None
        path, colon, number = self.start_frame.rpartition(":")
        frame = int(number) if colon and number.isdecimal() and not Path(self.start_frame).exists() else None
        return Path(self.start_frame if frame is None else path), frame

    def rule_signer(self) -> RuleSigner:
        """Who signs notation; says which options that changes nothing of.

        Raises:
            UserError: as `RuleSigner.load`.
        """
        from text_to_pose.sign_commands import RuleSigner, SigningOptions

        steps, start = self.sampling, self.start()
        given = {
            "--length": self.frames is not None,
            "--duration": self.seconds is not None,
            "--sample-length": steps.sample_length,
            "--steps": steps.num_steps is not None,
            "--guidance": steps.guidance is not None,
            "--sampler": steps.sampler != "refinement",
            "--letters-per-second or --hold": self.fluency not in (None, Fluency()),
        }
        if any(given.values()):
            names = ", ".join(name for name, is_given in given.items() if is_given)
            say(f"{names}: of no effect on notation, which is signed by the rules; `text-to-pose sign` has --speed")
        return RuleSigner.load(
            SigningOptions(
                person=start[0] if start else None,
                dominant_hand=self.dominant_hand,
                captions=self.captions,
                overwrite=self.overwrite,
            )
        )


@dataclass(frozen=True)
class GeneratedText:
    """The signs that a text was spelled with, and the files that were written.

    Attributes:
        text: as given.
        signed_language: None of notation, which is of no language.
        signs: letters; of notation, whose signs have no names, [None].
        frames, seconds: its length.
        files: that were written.
        model: `--checkpoint`, or "rules" where the text is notation and no model was used.
        backend: what ran the model, "torch" or "onnx".
    """

    text: str
    signed_language: str | None
    signs: Sequence[str | None]
    frames: int
    seconds: float
    files: list[Path]
    model: str
    backend: str | None = None


@dataclass(frozen=True)
class TextJob:
    """A text, its signs, the files it is written to, and its name in messages."""

    text: str
    signs: list[str]
    files: list[Path]
    name: str


@dataclass(frozen=True)
class Signer:
    """A model and the person who signs.

    Attributes:
        model: the network.
        options: of all texts.
        start: whose body signs, and from where; the model's own for the language when None.
        dominant_hand: the language's when None.
        body: the person's, for a model that signs in depth.
    """

    model: Network
    options: GenerationOptions
    start: StartFrames | None
    dominant_hand: Side | None
    body: Body | None = None

    @classmethod
    def load(cls, options: GenerationOptions) -> Signer:
        """Loads the model and the start frame of `--start-frame`; notes where that person's dominant hand differs.

        Raises:
            UserError: a model, language, file or frame that cannot be used.
        """
        if not options.signed_language and options.checkpoint == LETTERS:
            raise UserError(WHICH_LANGUAGE)
        from text_to_pose.backends import load_network

        model = load_network(options.checkpoint, options.device, options.backend)
        options = replace(options, signed_language=language_of(model, options.signed_language))
        if options.sampling.sample_length and options.fluency is not None:
            say("--sample-length: of no effect on fluent words, which are as fast as --letters-per-second says")
        given = options.start()
        if given is None:
            return cls(model, options, None, options.dominant_hand)
        file, frame = given
        sequence = read(file)
        start, body = person_of(model, sequence, file, frame)
        if options.dominant_hand is not None:
            return cls(model, options, start, options.dominant_hand, body)
        hand, usual = dominant_hand(sequence), model.config.dominant_hands.get(options.signed_language)
        if hand is not None and hand != usual:
            say(
                f"{options.start_frame}: a {hand}-handed person, whose dominant hand signs; "
                f"--dominant-hand {usual} changes that"
            )
        return cls(model, options, start, hand, body)

    def spell(self, text: str) -> list[str]:
        """The signs of a text, see `signs_of_text`."""
        options = self.options
        return signs_of_text(self.model, text, options.signed_language, borrow_letters=options.borrow_letters)

    @property
    def signs_notation(self) -> bool:
        """Whether texts are signs in HamNoSys, of whichever language."""
        return reads_notation(self.model, self.options.signed_language)

    def sign(self, texts: Sequence[TextJob]) -> list[GeneratedText]:
        """Generates texts in one batch and writes each.

        Raises:
            UserError: fewer frames than a text needs, or poses that are not finite; then nothing is written.
        """
        from text_to_pose.generation import sign_texts

        options = self.options
        frames = options.frames
        if options.seconds is not None:
            frames = max(1, round(options.seconds * self.model.config.fps))
        signed = sign_texts(
            self.model,
            [text.signs for text in texts],
            options.signed_language,
            start=self.start,
            body=self.body,
            dominant_hand=self.dominant_hand,
            fluency=options.fluency,
            sampling=options.sampling,
            frames=frames,
        )
        for text, result in zip(texts, signed, strict=True):
            self._check_finite(text, result.sequence)
        return [self._write(text, result) for text, result in zip(texts, signed, strict=True)]

    def _check_finite(self, text: TextJob, sequence: PoseSequence) -> None:
        if is_finite(sequence):
            return
        cause = f"--guidance {self.options.sampling.scale(self.model.config):g} may be too strong"
        if self.options.start_frame:
            cause += f", or the poses of {self.options.start_frame} are damaged"
        raise UserError(f"{text.name}: what was generated is not finite, and is not written; {cause}")

    def _write(self, text: TextJob, signed: SignedText) -> GeneratedText:
        # Pictures have no font of notation.
        captions = signed.captions if self.options.captions and not self.signs_notation else ()
        for path in text.files:
            write_poses(signed.sequence, path, captions=captions, overwrite=self.options.overwrite)
        problem = anatomy(signed.sequence).summary()
        if problem is not None:
            warn(f"{text.name}: {problem}")
        language: str | None = self.options.signed_language
        signs: list[str | None] = [sign for sign in text.signs if sign != WORD_SPACE]
        if self.signs_notation:
            language, signs = None, [None]
        sequence = signed.sequence
        seconds = round(sequence.duration, 3)
        return GeneratedText(
            text.text, language, signs, len(sequence), seconds, text.files, self.options.checkpoint, self.model.backend
        )


def language_of(model: Network, signed_language: str) -> str:
    """The language that a text is signed in: "" is the one of notation, where the model has it.

    Raises:
        UserError: none is given and the model needs one, or it does not know it.
    """
    if not signed_language and ANY_LANGUAGE in model.tokenizer.languages:
        return ANY_LANGUAGE
    if not signed_language:
        raise UserError(WHICH_LANGUAGE)
    model.tokenizer.check_language(signed_language)
    return signed_language


def reads_notation(model: Network, signed_language: str) -> bool:
    """Whether the model takes texts as signs in HamNoSys, of whichever language."""
    return signed_language == ANY_LANGUAGE and model.tokenizer.kind == "hamnosys"


def signs_of_text(model: Network, text: str, signed_language: str, *, borrow_letters: bool = False) -> list[str]:
    """The signs of a text, see `TextTokenizer.units`; notation in its canonical spelling, as all in training was.

    Raises:
        UserError: a text that the model cannot sign.
    """
    if reads_notation(model, signed_language):
        from text_to_pose.hamnosys.parser import parse
        from text_to_pose.hamnosys.writer import write

        text = write(parse(text))
    return model.tokenizer.units(text, signed_language, borrow_letters=borrow_letters)


def person_of(model: Network, sequence: PoseSequence, file: Path, frame: int | None) -> tuple[StartFrames, Body | None]:
    """The start frame that a clip has, and its person's body, for a model that signs in depth.

    Args:
        model: the network.
        sequence: the clip.
        file: its name in messages.
        frame: the first in which somebody is visible when None.

    Raises:
        UserError: a frame that cannot be used.
    """
    from text_to_pose.start_frames import StartFrames

    start = StartFrames.of_clip(model, sequence, file, frame)
    if not model.signs_in_depth:
        return start, None
    from text_to_pose.signing.anatomy.person import body_of

    return start, body_of(sequence)


def is_finite(sequence: PoseSequence) -> bool:
    """Whether all that was generated are numbers: too strong a guidance makes others."""
    return bool(np.isfinite(sequence.keypoints).all() and np.isfinite(sequence.confidence).all())


def sign_by_rules(signer: RuleSigner, text: TextJob) -> GeneratedText:
    """Signs notation and writes it.

    Raises:
        UserError: it is no sign.
    """
    from text_to_pose.hamnosys.parser import parse

    signed = signer.sign([parse(text.text)], text.files, text.name)
    return GeneratedText(text.text, None, signed.signs, signed.frames, signed.seconds, signed.files, signed.model)


def generate_text(text: str, outputs: Sequence[Path], options: GenerationOptions) -> GeneratedText:
    """Signs one text into one or several files of different formats; `-` is a `.pose` file on standard output.

    Raises:
        UserError: a text, model or output that cannot be used; then nothing is written.
    """
    to_stdout = Path(PIPE) in outputs
    if to_stdout:
        check_stdout()
    with TemporaryDirectory(prefix="pose-") as folder:
        temporary = Path(folder) / "text.pose"
        files = [temporary if str(path) == PIPE else path for path in outputs]
        check_outputs(files, overwrite=options.overwrite, writable=WRITABLE)
        if options.by_rules(text):
            generated = sign_by_rules(options.rule_signer(), TextJob(text, [], files, ", ".join(map(str, outputs))))
        else:
            signer = Signer.load(options)
            (generated,) = signer.sign([TextJob(text, signer.spell(text), files, text)])
        if to_stdout:
            copy_to_stdout(temporary)
    return replace(generated, files=list(outputs))
