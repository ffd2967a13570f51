"""Makes what the TypeScript is tested against: tiny untrained models, and what Python signs and encodes with them.

    uv run python web/tests/make_vectors.py

writes `web/tests/vectors/`. Nothing in it depends on the bundled models.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from token_vectors import encoded_clips, write_tiny_tokenizer
from vector_files import encoded, encoded_bytes, pose_file, write_cases

from pose_core import UserError
from pose_core.testing import fake_sequence, fake_skeleton
from pose_core.transforms import normalize
from pose_encoders.config import TransformerEncoderConfig
from text_to_pose.config import NetworkConfig, TextConfig, TextToPoseConfig
from text_to_pose.data.hands import dominant_hand
from text_to_pose.export import export_in_place
from text_to_pose.fingerspelling.fluency import Fluency
from text_to_pose.generation import sign_texts
from text_to_pose.model import TextToPose
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.spelling import Speller
from text_to_pose.text.tokenizer import TextTokenizer, fold
from text_to_pose.web.model_files import write_model

if TYPE_CHECKING:
    from pose_core import PoseSequence

VECTORS = Path(__file__).parent / "vectors"
ALPHABETS = {
    "ase": [*"ABCDEHLO"],
    "gsg": [*"ABCEHSZ", "SCH", "Ä", "ß"],
    "gss": [*"ΑΙΛΣΦ"],
    "ise": ["A", "B"],
    "ssp": [*"ALO", "LL", "Ñ"],
    "tsm": ["A", "I", "İ", "Ş"],
}
SPELLED = [
    ("ase", "hello"),
    ("ase", " Hello,   abc! "),
    ("ase", "hé_l-lo 🙂"),
    ("ase", "ﬁle Ａbc"),
    ("ase", "xyz"),
    ("ase", "..."),
    ("gsg", "Schach"),
    ("gsg", "straße Äß"),
    ("gsg", "łasche"),
    ("gss", "Άλφα ΐς ω"),
    ("ise", "schola"),
    ("ssp", "llano NIÑO ñ"),
    ("tsm", "Iışi ısı"),
    ("tsm", "iİI"),
]


def main() -> None:
    """Writes all vectors."""
    model = tiny_model()
    shutil.rmtree(VECTORS, ignore_errors=True)
    (VECTORS / "model").mkdir(parents=True)
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        export_in_place(folder)
        write_model(Path(folder), VECTORS / "model")
    write_cases(VECTORS / "signed.json", signed(model))
    write_cases(VECTORS / "spelled.json", spelled(model.tokenizer))
    with write_tiny_tokenizer(VECTORS / "tokenizer") as tokenizer:
        write_cases(VECTORS / "encoded.json", encoded_clips(tokenizer))


def tiny_model() -> TextToPose:
    """Untrained, but for lengths of about nine frames, and weights as they are stored: in halves."""
    torch.manual_seed(0)
    encoder = TransformerEncoderConfig(hidden_dim=32, num_layers=0, num_heads=2, dropout=0.0, sees_missing=False)
    config = TextToPoseConfig(
        network=NetworkConfig(encoder=encoder, decoder_layers=1, num_heads=2, dropout=0.0),
        skeleton=fake_skeleton().to_dict(),
        text=TextConfig(alphabets=ALPHABETS, vocabulary=["S1f7", "c2", "r0"]),
        dominant_hands={**dict.fromkeys(ALPHABETS, "right"), "ise": "left"},
        max_step=dict.fromkeys(ALPHABETS, 0.15),
        num_steps=4,
    )
    model = TextToPose(config).eval()
    body, _ = normalize(fake_sequence(hands=("left", "right")))
    with torch.no_grad():
        model.length_predictor.initialize(torch.tensor([9.0]))
        for i in range(len(ALPHABETS)):
            model.start_keypoints[i] = torch.from_numpy(body.keypoints[i])
        model.start_confidence.fill_(1.0)
        model.start_confidence[1:, -21:] = 0.0
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())
    return model


def signed(model: TextToPose) -> list[dict[str, Any]]:
    """Texts, settings, and the poses that Python makes of them."""
    left_handed = fake_sequence(frames=6, hands=("left",), face_points=6)
    return [
        case(model, ["H", "E", "L", "L", "O"], "ase"),
        case(model, ["A", " ", "SCH"], "gsg", steps=2, guidance=2.0),
        case(model, ["B", "A"], "ise", frames=31),
        case(model, ["A", "B", " ", "C"], "ase", steps=3, frames=64, start=fake_sequence(frames=5, shape=3)),
        case(model, ["L", "Ñ"], "ssp", steps=2, start=left_handed),
        case(model, ["H", "E", "L", "L", "O"], "ase", rate=4.0),
        case(model, ["A", "SCH", " ", "A"], "gsg", steps=2, guidance=1.5, rate=6.0),
        case(model, ["B", "A", "A", "A", "A"], "ise", steps=2, rate=2.5),
        case(model, ["L", "Ñ", "A"], "ssp", steps=2, start=left_handed, rate=4.0),
        case(model, ["A"], "ase", steps=2, rate=4.0),
    ]


def case(
    model: TextToPose,
    letters: list[str],
    language: str,
    *,
    steps: int = 4,
    guidance: float = 1.0,
    frames: int | None = None,
    start: PoseSequence | None = None,
    rate: float | None = None,
) -> dict[str, Any]:
    """One text; with a rate in letters per second it is fluent."""
    start_frame, hand, file = None, None, None
    if start is not None:
        file = pose_file(start)
        start_frame = StartFrames.of_clip(model, start, Path("start.pose"))
        hand = dominant_hand(start)
    (text,) = sign_texts(
        model,
        [letters],
        language,
        start=start_frame,
        dominant_hand=hand,
        sampling=Sampling(num_steps=steps, guidance=guidance),
        frames=frames,
        fluency=None if rate is None else Fluency(rate),
    )
    return {
        "letters": letters,
        "language": language,
        "steps": steps,
        "guidance": guidance,
        "frames": frames,
        "rate": rate,
        "start": None if file is None else encoded_bytes(file),
        "captions": [[caption.text, caption.start, caption.end] for caption in text.captions],
        "keypoints": encoded(text.sequence.keypoints),
        "confidence": encoded(text.sequence.confidence),
    }


def spelled(tokenizer: TextTokenizer) -> list[dict[str, Any]]:
    """Texts, and how their letters are spelled, with letters of other languages and without."""
    return [
        {"language": language, "text": text, "borrow": borrow, **spelling(tokenizer, language, text, borrow=borrow)}
        for language, text in SPELLED
        for borrow in (False, True)
    ]


def spelling(tokenizer: TextTokenizer, language: str, text: str, *, borrow: bool) -> dict[str, Any]:
    """As `TextTokenizer.spell`, with what it only warns of or refuses."""
    alphabets = [tokenizer._alphabets[language]]
    if borrow:
        alphabets.append({fold: one for letters in tokenizer._alphabets.values() for fold, one in letters.items()})
    speller = Speller(alphabets, set(tokenizer.letters), replace_accents=borrow)
    result = speller.spell([fold(word, language) for word in text.split()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if tokenizer.spell(text, language, borrow_letters=borrow) != result.letters:
                raise RuntimeError(f"{text}: TextTokenizer.spell spells it otherwise")
        except UserError:
            if result.letters and not result.missing:
                raise
    return {
        "letters": result.letters,
        "leftOut": list(dict.fromkeys(result.left_out)),
        "replaced": [[one, other] for one, other in result.replaced.items()],
        "missing": result.missing,
    }


if __name__ == "__main__":
    main()
