"""The original iterative text-to-pose network, trained on the same letters, compared with the bundled model.

uv run python benchmarks/peer.py [--data index.csv] [--seconds 600] [--threads 1] [--guidance 1.0 2.5]

Network and training follow Ham2Pose (Shalev-Arkushin et al. 2023, https://arxiv.org/abs/2211.13613), written anew: a
transformer sees all frames, the text and the number of the step, and predicts how the frames should change. Every
letter of the validation split is generated and scored as `text-to-pose evaluate` does it: from the first frame of
another clip of the language, as long as the network itself predicts.

The peer has the inputs of our model: the same clips, preprocessing, augmentation and start frames, the language's tag,
the letter and its SignWriting. It departs from the publication to learn in minutes:

- a training example runs one random step, from where teacher forcing would have led, not all ten in a row, and a batch
  of 16 is one update, not a quarter of one;
- the learning rate is 1e-4: at 1e-3 it forgets text and time within these few updates and makes one mean pose;
- the length starts at the mean of the training clips, and may be shorter than 20 frames, as some clips are;
- the text is dropped at random, as classifier-free guidance needs.

It is trained for so many seconds of its threads' time, so other load on the machine adds none. The bundled model was
trained for longer: its card says how long.
"""

import argparse
import json
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from pose_core import PoseSequence
from pose_core.data import PoseBatch, collate
from text_to_pose.data.dataset import TextDataset
from text_to_pose.evaluation.baselines import other_clip
from text_to_pose.evaluation.evaluate import evaluate
from text_to_pose.evaluation.references import References
from text_to_pose.evaluation.scores import Score, confidence_intervals
from text_to_pose.model import load_model
from text_to_pose.text.letters import fold
from text_to_pose.text.signwriting import letter_symbols
from text_to_pose.training_states import Objective

DATA = Path(__file__).resolve().parents[2] / "shared/data/fingerspelling/index.csv"
SPLIT = "validation"
STEPS = 10
MAX_FRAMES = 200  # that learned positions tell apart
BATCH_SIZE = 16
LEARNING_RATE = 1e-4
NOISE = 1e-4
LENGTH_WEIGHT = 2e-5
WITHOUT_TEXT = 0.1
PAD, NO_TEXT = 0, 1


def reached(steps: int) -> float:
    """Share of the way to the clean sequence after so many steps: 0.1 after the first, then log(steps) / log(10)."""
    return 0.1 * steps if steps < 2 else math.log(steps) / math.log(STEPS)


REACHED = torch.tensor([reached(i + 1) for i in range(STEPS)])
SIZES = torch.tensor([reached(i + 1) - reached(i) for i in range(STEPS)])  # less and less from the second step on
# What is left of the start frame before each step when every step goes `reached` of the way that is left.
LEFT = torch.cat([torch.ones(1), (1 - REACHED).cumprod(dim=0)[:-1]])


class Peer(nn.Module):
    """Predicts how each frame should change, from the frames, the text and the number of the step.

    Frames, text and step are one sequence for the pose encoder; frames and tokens have learned absolute positions.

    Args:
        blend: what is predicted is the sequence to move towards, as the published code has it, not the move itself.
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_keypoints: int,
        num_dims: int,
        *,
        dim: int = 128,
        num_heads: int = 2,
        pose_layers: int = 4,
        text_layers: int = 2,
        feed_forward: int = 2048,
        blend: bool = True,
    ) -> None:
        super().__init__()
        self.shape = (num_keypoints, num_dims)
        self.blend = blend
        self.tokens = nn.Embedding(vocabulary_size, dim)
        self.token_positions = nn.Embedding(MAX_FRAMES, dim)
        self.text_encoder = transformer(dim, num_heads, feed_forward, text_layers)
        self.length = nn.Linear(dim, 1)
        self.frames = nn.Linear(num_keypoints * num_dims, dim)
        self.frame_positions = nn.Embedding(MAX_FRAMES, dim)
        self.step = nn.Sequential(
            nn.Embedding(STEPS, dim), nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, dim), nn.SiLU()
        )
        self.pose_encoder = transformer(dim, num_heads, feed_forward, pose_layers)
        self.change = nn.Sequential(nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, num_keypoints * num_dims))

    def encode_text(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids (B, L), 0 where padded, to vectors (B, L, C), their mask (B, L) and a number of frames (B,)."""
        mask = tokens != PAD
        x = self.tokens(tokens) + self.token_positions.weight[: tokens.shape[1]]
        x = self.text_encoder(x, src_key_padding_mask=~mask)
        lengths = (self.length(x).squeeze(-1) * mask).sum(dim=1) / mask.sum(dim=1)
        return x, mask, lengths

    def forward(self, current: Tensor, mask: Tensor, text: Tensor, text_mask: Tensor, step: Tensor) -> Tensor:
        """current: (B, T, K, D); mask: (B, T); text: (B, L, C); step: (B,) from 0. Returns the change (B, T, K, D)."""
        B, T = mask.shape
        frames = self.frames(current.flatten(2)) + self.frame_positions.weight[:T]
        x = torch.cat([frames, text, self.step(step)[:, None]], dim=1)
        real = torch.cat([mask, text_mask, mask.new_ones(B, 1)], dim=1)
        x = self.pose_encoder(x, src_key_padding_mask=~real)[:, :T]
        predicted = self.change(x).unflatten(-1, self.shape)
        return predicted - current if self.blend else predicted

    def refine(self, start: Tensor, mask: Tensor, tokens: Tensor, guidance: float = 1.0) -> Tensor:
        """The start frame (B, K, D) repeated, then refined by all steps: (B, T, K, D)."""
        text, text_mask, _ = self.encode_text(tokens)
        if guidance != 1:
            nothing, nothing_mask, _ = self.encode_text(torch.full_like(tokens[:, :1], NO_TEXT))
        current = start[:, None].expand(-1, mask.shape[1], -1, -1)
        for i, size in enumerate(SIZES.tolist()):
            step = torch.full_like(tokens[:, 0], i)
            change = self(current, mask, text, text_mask, step)
            if guidance != 1:
                unguided = self(current, mask, nothing, nothing_mask, step)
                change = unguided + guidance * (change - unguided)
            current = current + size * change
        return current


def transformer(dim: int, num_heads: int, feed_forward: int, num_layers: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(dim, num_heads, feed_forward, batch_first=True)
    return nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)


class Vocabulary:
    """`<language>`, the letter's characters and its SignWriting, as token ids; of training clips."""

    def __init__(self, references: References, rows: list[int]) -> None:
        words = {word for i in rows for word in [*self._text(references, i), *self._symbols(references, i)]}
        self.ids = {word: i for i, word in enumerate(sorted(words), start=NO_TEXT + 1)}

    def __len__(self) -> int:
        return len(self.ids) + NO_TEXT + 1

    def tokens(self, references: References, i: int) -> list[int]:
        symbols = self._symbols(references, i)
        known = symbols if all(symbol in self.ids for symbol in symbols) else []  # half a sign would be another one
        return [self.ids[word] for word in [*self._text(references, i), *known]]

    @staticmethod
    def _text(references: References, i: int) -> list[str]:
        clip = references.clips[i]
        return [f"<{clip.signed_language}>", *fold(clip.text, clip.signed_language)]

    @staticmethod
    def _symbols(references: References, i: int) -> list[str]:
        clip = references.clips[i]
        return letter_symbols(clip.text, clip.signed_language)


class PeerDataset(Dataset):
    """Training clips as our model sees them, with the peer's tokens."""

    def __init__(self, clips: TextDataset, tokens: list[list[int]]) -> None:
        self.clips = clips
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, index: int) -> tuple[PoseSequence, Tensor, Tensor]:
        sequence, _, keypoints, confidence, *_ = self.clips[index]
        return sequence[:MAX_FRAMES], torch.tensor(self.tokens[index]), seen_frame(keypoints, confidence)

    @staticmethod
    def collate(items: list[tuple[PoseSequence, Tensor, Tensor]]) -> tuple[PoseBatch, Tensor, Tensor]:
        sequences, tokens, starts = zip(*items, strict=True)
        return collate(sequences), padded(tokens), torch.stack(starts)


def seen_frame(keypoints: np.ndarray, confidence: np.ndarray) -> Tensor:
    """A frame (K, D) with 0 for what is missing, as in the published data."""
    return torch.from_numpy(keypoints * (confidence > 0)[:, None])


def padded(tokens: list[Tensor]) -> Tensor:
    return nn.utils.rnn.pad_sequence(tokens, batch_first=True, padding_value=PAD)


def losses(peer: Peer, target: PoseBatch, tokens: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Of the pose, squared errors weighed by confidence after one step; of the length, squared frames."""
    step = torch.randint(STEPS, (len(tokens),))
    size, share, left = (values[step][:, None, None, None] for values in (SIZES, REACHED, LEFT))
    clean, start = target.keypoints, start[:, None]
    current = left * start + (1 - left) * clean + NOISE * torch.randn_like(clean)
    with_text = torch.rand(len(tokens)) >= WITHOUT_TEXT
    nothing = torch.full_like(tokens, PAD)
    nothing[:, 0] = NO_TEXT
    text, text_mask, lengths = peer.encode_text(torch.where(with_text[:, None], tokens, nothing))
    refined = current + size * peer(current, target.mask, text, text_mask, step)
    error = (refined - (current + share * (clean - current))).square().sum(dim=-1)
    pose = (error * target.confidence).sum() / target.confidence.sum()
    length = ((lengths - target.lengths).square() * with_text).sum() / with_text.sum().clamp(min=1)
    return pose * math.log(STEPS) ** 2, length


def train(peer: Peer, dataset: PeerDataset, seconds: float) -> dict[str, float]:
    """Trains for so long; the mean losses are those of the last tenth of the updates."""
    peer.train()
    with torch.no_grad():
        peer.length.bias.fill_(float(np.mean([len(sequence) for sequence in dataset.clips.sequences])))
    loader = DataLoader(dataset, BATCH_SIZE, shuffle=True, collate_fn=dataset.collate)
    optimizer = torch.optim.Adam(peer.parameters(), lr=LEARNING_RATE)
    started, wall_started, reported = time.process_time(), time.perf_counter(), 0.0
    history: list[tuple[float, float]] = []
    passed = 0.0
    while passed < seconds:
        for batch in loader:
            pose, length = losses(peer, *batch)
            optimizer.zero_grad()
            (pose + LENGTH_WEIGHT * length).backward()
            optimizer.step()
            history.append((pose.item(), length.item()))
            passed = (time.process_time() - started) / torch.get_num_threads()
            if passed >= seconds:
                break
            if passed - reported >= 60:
                reported = passed
                print(f"{passed:.0f} s, {len(history)} updates, loss {history[-1][0]:.4f}", file=sys.stderr)
    pose, length = np.mean(history[-max(1, len(history) // 10) :], axis=0)
    return {
        "parameters": sum(p.numel() for p in peer.parameters()),
        "seconds": round(passed, 1),
        "wall_seconds": round(time.perf_counter() - wall_started, 1),
        "updates": len(history),
        "epochs": round(len(history) / len(loader), 1),
        "pose_loss": round(float(pose), 5),
        "length_loss": round(float(length), 1),
    }


@torch.inference_mode()
def generate(
    peer: Peer, vocabulary: Vocabulary, references: References, rows: list[int], guidance: float
) -> list[PoseSequence | None]:
    """One sequence a row; the network makes all keypoints, so all count as seen. None without a start frame."""
    peer.eval()
    starts = {i: other_clip(references.clips, i) for i in rows}
    able = [i for i in rows if starts[i] is not None]
    frames = [references.sequences[starts[i]][:1] for i in able]
    start = torch.stack([seen_frame(frame.keypoints[0], frame.confidence[0]) for frame in frames])
    tokens = padded([torch.tensor(vocabulary.tokens(references, i)) for i in able])
    lengths = peer.encode_text(tokens)[2].round().long().clamp(2, MAX_FRAMES)
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    made = peer.refine(start, mask, tokens, guidance)
    sequences = {}
    for i, keypoints, length, frame in zip(able, made, lengths.tolist(), frames, strict=True):
        x = keypoints[:length].numpy()
        sequences[i] = PoseSequence(x, np.ones(x.shape[:2], np.float32), frame.fps, frame.skeleton)
    return [sequences.get(i) for i in rows]


def figures(clip_scores: list) -> dict:
    """Means, and between which ends 95 % of the means of resampled clips lie."""
    intervals = confidence_intervals(clip_scores)
    means = {name: rounded(value) for name, value in asdict(Score.of(clip_scores)).items()}
    return {**means, "intervals": {name: [rounded(end) for end in ends] for name, ends in intervals.items()}}


def rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 3)


def say(message: str) -> None:
    print(message, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--checkpoint", default="fingerspelling", help="our model beside it")
    parser.add_argument("--seconds", type=float, default=600, help="of its threads' time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--guidance", type=float, nargs="+", default=(1.0, 2.5))
    parser.add_argument("--update", choices=("blend", "add"), default="blend", help="see Peer")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    model = load_model(arguments.checkpoint, "cpu")
    evaluation = evaluate(model, arguments.data, SPLIT, say=say)
    references = evaluation.references
    rows = references.rows("train")
    clips, sequences = [references.clips[i] for i in rows], [references.sequences[i] for i in rows]
    vocabulary = Vocabulary(references, rows)
    dataset = PeerDataset(
        TextDataset(
            clips, sequences, model.tokenizer, start_clips=clips, start_sequences=sequences, objective=Objective()
        ),
        [vocabulary.tokens(references, i) for i in rows],
    )
    K, D = model.skeleton.num_keypoints, model.skeleton.num_dims
    peer = Peer(len(vocabulary), K, D, blend=arguments.update == "blend")
    training = train(peer, dataset, arguments.seconds)
    scores = {}
    for guidance in arguments.guidance:
        name = "peer" if guidance == 1 else f"peer, guidance {guidance:g}"
        made = generate(peer, vocabulary, references, evaluation.rows, guidance)
        scores[name] = figures(references.score(evaluation.rows, made))
    scores |= {name: figures(clip_scores) for name, clip_scores in evaluation.clip_scores.items()}
    settings = {
        "data": arguments.data.parent.name,
        "train_clips": len(rows),
        "split": SPLIT,
        "checkpoint": arguments.checkpoint,
        "steps": STEPS,
        "width": 128,
        "update": arguments.update,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seconds": arguments.seconds,
        "threads": arguments.threads,
        "seed": arguments.seed,
    }
    print(json.dumps({"settings": settings, "training": training, "scores": scores}, indent=2))


if __name__ == "__main__":
    main()
