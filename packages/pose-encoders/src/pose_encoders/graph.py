"""Graph pose encoder: keypoints of all frames as one graph, along limbs and through time."""

from __future__ import annotations

import warnings
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_core.errors import UserError
from pose_encoders.base import PoseEncoder, missing_as_zero
from pose_encoders.config import GraphEncoderConfig

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # about how torch-geometric uses torch.jit: nothing a user can mend
    from torch_geometric.nn import GATv2Conv, GCNConv, GraphConv, TransformerConv

if TYPE_CHECKING:
    from pose_core.data import PoseBatch
    from pose_core.skeleton import Skeleton

LIMB, FROM_PAST, FROM_FUTURE = range(3)  # types of edges
NUM_TYPES = 3
GRAPHS = 16  # graphs kept, one a length; batches come in few


class PoseGraph:
    """The edges of T frames of a skeleton: its limbs within each, and each joint with itself in frames near by.

    Nodes are numbered frame by frame: keypoint k of frame t is node t * K + k.

    Args:
        skeleton: names the limbs; one given twice, or in both directions, is one limb.
        window: how many frames before and after a joint is joined to itself in.
    """

    def __init__(self, skeleton: Skeleton, window: int) -> None:
        self.skeleton = skeleton
        self.num_keypoints = skeleton.num_keypoints
        self.window = window
        limbs = torch.from_numpy(skeleton.limbs).reshape(-1, 2)
        limbs = limbs[limbs[:, 0] != limbs[:, 1]]
        self.limbs = torch.cat([limbs, limbs.flip(1)]).unique(dim=0).T  # (2, E), both directions
        self.edges = lru_cache(GRAPHS)(self.build)

    def __reduce__(self) -> tuple[type[PoseGraph], tuple[Skeleton, int]]:
        # What keeps the edges cannot be pickled, and they can be built again.
        return PoseGraph, (self.skeleton, self.window)

    def build(self, T: int, device: torch.device) -> tuple[Tensor, ...]:
        """Edges over T frames, (2, E) from source to target for each type in turn."""
        K = self.num_keypoints
        frames = torch.arange(T, device=device)
        within = (frames[:, None, None] * K + self.limbs.to(device)).permute(1, 0, 2).flatten(1)  # (2, T * limbs)
        joints = torch.arange(K, device=device)
        forward = [torch.empty(2, 0, dtype=torch.long, device=device)]
        for way in range(1, self.window + 1):
            earlier = (frames[: max(0, T - way), None] * K + joints).flatten()
            forward.append(torch.stack([earlier, earlier + way * K]))
        through_time = torch.cat(forward, dim=1)
        return within, through_time, through_time.flip(0)

    def batch(self, B: int, T: int, device: torch.device) -> list[Tensor]:
        """Edges (2, B * E) of each type, of B clips of T frames, one after the other and not connected."""
        # What is traced for export has no length yet to keep a graph for.
        build = self.build if torch.compiler.is_compiling() else self.edges
        offset = torch.arange(B, device=device)[:, None] * (T * self.num_keypoints)
        return [(edges[:, None] + offset).flatten(1) for edges in build(T, device)]


class RelationalConv(nn.Module):
    """A convolution for each type of edge, their sum: R-GCN (Schlichtkrull et al. 2018, arXiv:1703.06103).

    torch-geometric's own, RGCNConv, selects each type's edges from a list of all, which cannot be exported.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        convolution = partial(GraphConv, dim, dim, aggr="mean")
        self.types = nn.ModuleList(convolution() for _ in range(NUM_TYPES))

    def forward(self, x: Tensor, edges: list[Tensor]) -> Tensor:
        """Nodes (N, C) and edges (2, E) of each type to nodes (N, C)."""
        return torch.stack([conv(x, of_type) for conv, of_type in zip(self.types, edges, strict=True)]).sum(dim=0)


class WeightedGCNConv(nn.Module):
    """A graph convolution (Kipf and Welling 2017, arXiv:1609.02907) in which each type of edge has a learned weight."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = GCNConv(dim, dim)  # ty: ignore[abstract-class-instantiation]
        self.weights = nn.Parameter(torch.zeros(NUM_TYPES))

    def forward(self, x: Tensor, edges: list[Tensor]) -> Tensor:
        """Nodes (N, C) and edges (2, E) of each type to nodes (N, C)."""
        positive = nn.functional.softplus(self.weights).to(x.dtype)
        weights = torch.cat([positive[i].expand(of_type.shape[1]) for i, of_type in enumerate(edges)])
        return self.conv(x, torch.cat(edges, dim=1), weights)


class GraphLayer(nn.Module):
    """Pre-norm graph convolution with a residual connection."""

    def __init__(self, dim: int, config: GraphEncoderConfig) -> None:
        super().__init__()
        heads = config.num_heads
        self.norm = nn.LayerNorm(dim)
        self.conv: nn.Module
        if config.conv == "relational":
            self.conv = RelationalConv(dim)
        elif config.conv == "gcn":
            self.conv = WeightedGCNConv(dim)
        else:
            attention = {"gatv2": partial(GATv2Conv, add_self_loops=False), "transformer": TransformerConv}
            self.conv = attention[config.conv](dim, dim // heads, heads, edge_dim=NUM_TYPES)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, edges: list[Tensor]) -> Tensor:
        """Nodes (N, C) and edges (2, E) of each type to nodes (N, C)."""
        h = self.norm(x)
        if isinstance(self.conv, RelationalConv | WeightedGCNConv):
            h = self.conv(h, edges)
        else:
            types = torch.eye(NUM_TYPES, dtype=h.dtype, device=h.device)
            kinds = torch.cat([types[i].expand(of_type.shape[1], -1) for i, of_type in enumerate(edges)])
            h = self.conv(h, torch.cat(edges, dim=1), kinds)
        return x + self.dropout(nn.functional.gelu(h))


class GraphEncoder(PoseEncoder):
    """Frames to vectors through a graph of keypoints, and the transformer over them.

    A missing keypoint is a node without edges that no frame's vector takes in: whatever lies in its place changes
    nothing, and it is not the same as one at 0.

    Args:
        skeleton: of the poses; its limbs are the graph's.
        config: see `GraphEncoderConfig`.
    """

    def __init__(self, skeleton: Skeleton, config: GraphEncoderConfig | None = None) -> None:
        config = config or GraphEncoderConfig()
        super().__init__(skeleton, config)
        dim = config.node_dim
        if dim % config.num_heads:
            raise UserError(f"node_dim {dim} is not divisible by num_heads {config.num_heads}; change one of them")
        self.graph = PoseGraph(skeleton, config.window)
        self.coordinates = nn.Linear(2 * skeleton.num_dims, dim)
        self.joint = nn.Parameter(0.02 * torch.randn(skeleton.num_keypoints, dim))
        self.layers = nn.ModuleList(GraphLayer(dim, config) for _ in range(config.graph_layers))
        self.norm = nn.LayerNorm(dim)
        self.score = nn.Linear(dim, config.num_heads)
        self.projection = nn.Linear(config.num_heads * dim, config.hidden_dim)
        roots = [skeleton.slice_of(component).start for component, _ in skeleton.keypoints]
        self.register_buffer("roots", torch.tensor(roots), persistent=False)

    roots: Tensor

    def embed(self, pose: PoseBatch) -> Tensor:
        B, T = pose.mask.shape
        keypoints, seen = missing_as_zero(pose)
        # Where it is, and where it is from its component's first point: the wrist, of a finger.
        known = (seen & seen[..., self.roots])[..., None]
        relative = torch.where(known, keypoints - keypoints[..., self.roots, :], torch.zeros_like(keypoints))
        x = self.coordinates(torch.cat([keypoints, relative], dim=-1)) + self.joint  # (B, T, K, C)
        x = self.convolved(x.flatten(0, 2), seen.flatten(), B, T).view(B, T, len(self.joint), -1)
        return self.pooled(self.norm(x), seen)

    def convolved(self, nodes: Tensor, seen: Tensor, B: int, T: int) -> Tensor:
        """Nodes (B * T * K, C) after the graph's layers; edges from or to an unseen one are none."""
        edges = self.graph.batch(B, T, nodes.device)
        there = [seen[of_type].all(dim=0) for of_type in edges]
        nobody = nodes.shape[0]
        if torch.compiler.is_compiling():
            # Export wants a number of edges that no value decides: here they lead from a node of nobody's to itself.
            edges = [torch.where(kept, of_type, nobody) for of_type, kept in zip(edges, there, strict=True)]
            nodes = torch.cat([nodes, torch.zeros_like(nodes[:1])])
        else:
            edges = [of_type[:, kept] for of_type, kept in zip(edges, there, strict=True)]
        for layer in self.layers:
            nodes = layer(nodes, edges)
        return nodes[:nobody]

    def pooled(self, nodes: Tensor, seen: Tensor) -> Tensor:
        """Nodes (B, T, K, C) to a vector a frame, (B, T, hidden_dim): means weighted by each head, of what is seen."""
        scores = self.score(nodes)
        scores = scores.masked_fill(~seen[..., None], torch.finfo(scores.dtype).min)
        weight = scores.softmax(dim=2) * seen[..., None]  # (B, T, K, heads); all 0 where nothing is seen
        return self.projection((weight.transpose(2, 3) @ nodes).flatten(2))
