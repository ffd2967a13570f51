"""A learned prior over latents: flow matching by a transformer over a sequence's latent and those of its chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ht_vae.nn.attention import Layer, SelfAttention, sinusoids

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CHUNKS = 16  # chunks that are seen at once; longer sequences go on from their last ones
KNOWN_CHUNKS = 8  # of these, when a sequence goes on
SAMPLING_STEPS = 50
TIME_POWER = 0.5  # of the share of the steps that gives their times: below 1, later steps are shorter
STOCHASTICITY = 1.7  # of sampling: how much noise is drawn anew on the way
KNOWN_SHARE = 0.5
NUM_HEADS = 4
TIME_SCALE = 1000.0  # of times in [0, 1], for their sinusoids


@dataclass(frozen=True)
class Levels:
    """Both levels of B sequences: latents, or noise, or velocities.

    Attributes:
        whole: (B, Z), of the sequences.
        chunks: (B, N, Zc), of consecutive chunks.
    """

    whole: Tensor
    chunks: Tensor

    def map(self, change: Callable[..., Tensor], *others: Levels) -> Levels:
        """A function of this and others, level by level."""
        return Levels(
            change(self.whole, *(each.whole for each in others)), change(self.chunks, *(each.chunks for each in others))
        )


@dataclass(frozen=True)
class Place:
    """Where chunks are in their sequences.

    Attributes:
        first: (B,), True where the first chunk begins a sequence; last: (B,), True where the last real one ends it.
        fill: (B,), share of the last real chunk that has frames, in (0, 1].
        mask: (B, N), True where a chunk is real.
    """

    first: Tensor
    last: Tensor
    fill: Tensor
    mask: Tensor

    def features(self) -> Tensor:
        """(B, N, 3): whether a chunk begins its sequence, whether it ends it, and how much of it is frames."""
        n = torch.arange(self.mask.shape[1], device=self.mask.device)
        begins = (n == 0) & self.first[:, None]
        ends = (n == self.mask.sum(dim=1, keepdim=True) - 1) & self.last[:, None]
        fill = torch.where(ends, self.fill[:, None], 1.0)
        return torch.stack([begins.float(), ends.float(), fill], dim=-1)


@dataclass(frozen=True)
class Sampling:
    """How noise is carried to latents; attributes as the arguments of `FlowPrior.sample`."""

    steps: int
    stochasticity: float
    temperature: float
    generator: torch.Generator | None
    device: torch.device

    def draw(self, *shape: int) -> Tensor:
        return self.temperature * torch.randn(*shape, generator=self.generator, device=self.device)

    def renewed(self, noise: Levels, time: float, following: float) -> Levels:
        """Noise of as much variance, a share of which is drawn anew in the step from one time to the following."""
        kept = time * (1 - following) / (following * (1 - time))  # of the noise, in an ancestral step
        share = min(1.0, self.stochasticity**2 * (1 - kept**2))
        if not share:
            return noise
        return noise.map(lambda e: (1 - share) ** 0.5 * e + share**0.5 * self.draw(*e.shape))


class FlowPrior(nn.Module):
    """Velocities that carry noise to latents along straight lines (Lipman et al. 2022, https://arxiv.org/abs/2210.02747).

    At time t in [0, 1] a latent x is on the way from standard normal noise e: x_t = (1 - t) e + t x, at velocity x - e.
    Each token has a time of its own: known ones, which a sequence goes on from, have 1.

    Args:
        latent_dim: Z.
        chunk_latent_dim: Zc, above 0.
        width: C, of the layers.
        num_layers: transformer layers.
    """

    def __init__(self, latent_dim: int, chunk_latent_dim: int, width: int, num_layers: int) -> None:
        super().__init__()
        self.sizes = latent_dim, chunk_latent_dim
        self.whole, self.chunk = nn.Linear(latent_dim, width), nn.Linear(chunk_latent_dim, width)
        self.place = nn.Linear(3, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.layers = nn.ModuleList(Layer(SelfAttention(width, NUM_HEADS), width, 4 * width) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)
        self.whole_out, self.chunk_out = nn.Linear(width, latent_dim), nn.Linear(width, chunk_latent_dim)
        for out in (self.whole_out, self.chunk_out):
            nn.init.zeros_(out.weight)

    def forward(self, x: Levels, times: Tensor, place: Place) -> Levels:
        """Velocities.

        Args:
            x: latents on their way.
            times: (B, 1 + N), of the whole and of each chunk.
            place: of the chunks.
        """
        width = self.norm.normalized_shape[0]
        tokens = torch.cat([self.whole(x.whole)[:, None], self.chunk(x.chunks) + self.place(place.features())], dim=1)
        tokens = tokens + self.time(sinusoids(TIME_SCALE * times.flatten(), width)).unflatten(0, times.shape)
        mask = torch.cat([torch.ones_like(place.mask[:, :1]), place.mask], dim=1)
        for layer in self.layers:
            tokens = layer(tokens, mask)
        tokens = self.norm(tokens)
        return Levels(self.whole_out(tokens[:, 0]), self.chunk_out(tokens[:, 1:]))

    def loss(self, x: Levels, place: Place, importance: tuple[Tensor, Tensor]) -> Tensor:
        """Mean squared error of velocities at random times, over what is not known.

        `KNOWN_SHARE` of the sequences of two chunks and more go on from a random number of their first ones.

        Args:
            x: latents of real sequences; those of padding do not count.
            place: of the chunks.
            importance: weights of the dimensions (Z,) and (Zc,).
        """
        B, N = place.mask.shape
        real = place.mask.sum(dim=1)  # (B,)
        goes_on = (torch.rand(B, device=real.device) < KNOWN_SHARE) & (real > 1)
        count = torch.where(goes_on, 1 + (torch.rand(B, device=real.device) * (real - 1)).long(), 0)
        known_chunks = torch.arange(N, device=real.device) < count[:, None]
        known = torch.cat([goes_on[:, None], known_chunks], dim=1)  # (B, 1 + N)
        times = torch.where(known, 1.0, torch.rand(B, 1, device=real.device))
        noise = x.map(torch.randn_like)
        on_their_way = _moved(noise, x, times)
        velocity = self(on_their_way, times, place)
        errors = velocity.map(lambda v, a, e: (v - (a - e)).square(), x, noise)
        wanted = ~known & torch.cat([torch.ones_like(place.mask[:, :1]), place.mask], dim=1)
        of_whole, of_chunks = importance
        total = (errors.whole * of_whole * wanted[:, :1]).sum() + (
            errors.chunks * of_chunks * wanted[:, 1:, None]
        ).sum()
        weight = of_whole.sum() * wanted[:, 0].sum() + of_chunks.sum() * wanted[:, 1:].sum()
        return total / weight.clamp(min=1e-6)

    @torch.no_grad()
    def sample(
        self,
        num_samples: int,
        num_chunks: int,
        fill: float = 1.0,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        steps: int = SAMPLING_STEPS,
        stochasticity: float = STOCHASTICITY,
    ) -> tuple[Tensor, Tensor]:
        """Latents of sequences: `MAX_CHUNKS` chunks, then more that go on from the last `KNOWN_CHUNKS`.

        Noise drawn anew on the way corrects errors of the steps before it: hands take shapes nearer to real ones.

        Args:
            num_samples: B.
            num_chunks: N.
            fill: share of the last chunk that has frames.
            generator: of the same device; None: torch's own.
            temperature: standard deviation of all noise: below 1 latents are less extreme.
            steps: from noise to latents.
            stochasticity: 0: Euler's method, without new noise; 1: ancestral sampling; in between and beyond as the eta
                of Song et al. 2021 (https://arxiv.org/abs/2010.02502), the more noise the less movement.

        Returns:
            Latents of the sequences (B, Z), and of their chunks (B, N, Zc).
        """
        device = self.norm.weight.device
        sampling = Sampling(steps, stochasticity, temperature, generator, device)
        whole, chunks = sampling.draw(num_samples, self.sizes[0]), sampling.draw(num_samples, 0, self.sizes[1])
        while (made := chunks.shape[1]) < num_chunks:
            known = chunks[:, -KNOWN_CHUNKS:]
            new = min(num_chunks - made, MAX_CHUNKS - known.shape[1])
            every = torch.ones(num_samples, known.shape[1] + new, dtype=torch.bool, device=device)
            place = Place(
                first=every[:, 0] & (made <= KNOWN_CHUNKS),
                last=every[:, 0] & (made + new == num_chunks),
                fill=torch.full((num_samples,), fill, device=device),
                mask=every,
            )
            start = Levels(whole, torch.cat([known, sampling.draw(num_samples, new, self.sizes[1])], dim=1))
            end = self._carried(start, known.shape[1], place, sampling)
            whole, chunks = end.whole, torch.cat([chunks, end.chunks[:, known.shape[1] :]], dim=1)
        return whole, chunks

    def _carried(self, x: Levels, known: int, place: Place, sampling: Sampling) -> Levels:
        """Noise carried to latents; the whole and the first chunks stay, where so many are known."""
        moves = torch.ones(1 + x.chunks.shape[1], dtype=torch.bool, device=x.whole.device)
        if known:
            moves[: 1 + known] = False
        for step in range(sampling.steps):
            time, following = ((each / sampling.steps) ** TIME_POWER for each in (step, step + 1))
            times = torch.where(moves, time, 1.0).expand(len(x.whole), -1)
            velocity = self(x, times, place)
            latents = x.map(lambda x, v, at=time: x + (1 - at) * v, velocity)  # at the end of the straight line
            noise = sampling.renewed(x.map(lambda x, v, at=time: x - at * v, velocity), time, following)  # at its start
            moved = _moved(noise, latents, times.new_full(times.shape, following))
            x = Levels(
                torch.where(moves[0], moved.whole, x.whole), torch.where(moves[1:, None], moved.chunks, x.chunks)
            )
        return x


def _moved(start: Levels, end: Levels, times: Tensor) -> Levels:
    """Points on the straight lines from `start` to `end` at times (B, 1 + N)."""
    return Levels(
        torch.lerp(start.whole, end.whole, times[:, :1]), torch.lerp(start.chunks, end.chunks, times[:, 1:, None])
    )
