"""`GraphEncoder`: graph convolutions over the keypoints of all frames, along limbs and through time."""

from __future__ import annotations

import warnings
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_core.errors import UserError
from pose_encoders.base import PoseEncoder, visible_keypoints
from pose_encoders.config import GraphEncoderConfig

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # about how torch-geometric uses torch.jit: nothing a user can mend
    from torch_geometric.nn import GATv2Conv, GCNConv, GraphConv, TransformerConv

if TYPE_CHECKING:
    from pose_core.batch import PoseBatch
    from pose_core.skeleton import Skeleton

LIMB, FROM_PAST, FROM_FUTURE = range(3)  # types of edges
NUM_TYPES = 3
CACHED_GRAPHS = 16  # one per number of frames; batches have few different ones


class PoseGraph:
    """Spatio-temporal graph of T frames: a frame's limbs, and each keypoint with itself in neighbouring frames.

    Nodes are numbered frame by frame: keypoint k of frame t is node t * K + k.

    Args:
        skeleton: whose limbs are edges; one given twice, or in both directions, is one limb.
        window: temporal edges join a keypoint to itself in so many frames before and after.
    """

    def __init__(self, skeleton: Skeleton, window: int) -> None:
        self.skeleton = skeleton
        self.num_keypoints = skeleton.num_keypoints
        self.window = window
        limbs = torch.from_numpy(skeleton.limbs).reshape(-1, 2)
        limbs = limbs[limbs[:, 0] != limbs[:, 1]]
        self.limbs = torch.cat([limbs, limbs.flip(1)]).unique(dim=0).T  # (2, E), both directions
        self.edges = lru_cache(CACHED_GRAPHS)(self.build)

    def __reduce__(self) -> tuple[type[PoseGraph], tuple[Skeleton, int]]:
        # The cache cannot be pickled; the edges are built again.
        return PoseGraph, (self.skeleton, self.window)

    def build(self, T: int, device: torch.device) -> tuple[Tensor, ...]:
        """Edges of T frames, (2, E) node numbers of source and target, for each of LIMB, FROM_PAST, FROM_FUTURE."""
        K = self.num_keypoints
        frames = torch.arange(T, device=device)
        within = (frames[:, None, None] * K + self.limbs.to(device)).permute(1, 0, 2).flatten(1)  # (2, T * limbs)
        joints = torch.arange(K, device=device)
        forward = [torch.empty(2, 0, dtype=torch.long, device=device)]
        for offset in range(1, self.window + 1):
            earlier = (frames[: max(0, T - offset), None] * K + joints).flatten()
            forward.append(torch.stack([earlier, earlier + offset * K]))
        through_time = torch.cat(forward, dim=1)
        return within, through_time, through_time.flip(0)

    def batch(self, B: int, T: int, device: torch.device) -> list[Tensor]:
        """Edges (2, B * E) of each type, of the disjoint graphs of B clips of T frames."""
        # While tracing for export T is symbolic, and no key of a cache.
        build = self.build if torch.compiler.is_compiling() else self.edges
        offset = torch.arange(B, device=device)[:, None] * (T * self.num_keypoints)
        return [(edges[:, None] + offset).flatten(1) for edges in build(T, device)]


class RelationalConv(nn.Module):
    """R-GCN (Schlichtkrull et al. 2018, arXiv:1703.06103): the sum of one convolution per type of edge.

    torch-geometric's `RGCNConv` selects each type's edges from one list, which ONNX cannot express.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        convolution = partial(GraphConv, dim, dim, aggr="mean")
        self.types = nn.ModuleList(convolution() for _ in range(NUM_TYPES))

    def forward(self, x: Tensor, edges: list[Tensor]) -> Tensor:
        """Nodes (N, C) and edges (2, E) of each type to nodes (N, C)."""
        return torch.stack([conv(x, of_type) for conv, of_type in zip(self.types, edges, strict=True)]).sum(dim=0)


class WeightedGCNConv(nn.Module):
    """GCN (Kipf and Welling 2017, arXiv:1609.02907) with one learned weight per type of edge."""

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
    """Embeds frames by graph convolutions over keypoints, and an attention-weighted mean of each frame's nodes.

    A keypoint that is not visible is a node without edges that the mean leaves out: its coordinates change nothing,
    and it differs from a keypoint at 0.

    Args:
        skeleton: of the poses; its limbs are the graph's edges.
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
        """Poses (B, T, K, D) to frame embeddings (B, T, C)."""
        B, T = pose.mask.shape
        keypoints, visible = visible_keypoints(pose)
        # Absolute coordinates, and those relative to the component's root: a fingertip's to the wrist.
        both_visible = (visible & visible[..., self.roots])[..., None]
        relative = torch.where(both_visible, keypoints - keypoints[..., self.roots, :], torch.zeros_like(keypoints))
        x = self.coordinates(torch.cat([keypoints, relative], dim=-1)) + self.joint  # (B, T, K, C)
        x = self.convolve(x.flatten(0, 2), visible.flatten(), B, T).view(B, T, len(self.joint), -1)
        return self.pool_keypoints(self.norm(x), visible)

    def convolve(self, nodes: Tensor, visible: Tensor, B: int, T: int) -> Tensor:
        """The graph's layers over nodes (B * T * K, C), without edges from or to a node that is not visible."""
        num_nodes = nodes.shape[0]
        edges = self.graph.batch(B, T, nodes.device)
        masks = [visible[of_type].all(dim=0) for of_type in edges]  # (E,) both ends are visible
        if torch.compiler.is_compiling():
            # Export needs a number of edges that depends on no value: masked ones join an extra node to itself.
            edges = [torch.where(mask, of_type, num_nodes) for of_type, mask in zip(edges, masks, strict=True)]
            nodes = torch.cat([nodes, torch.zeros_like(nodes[:1])])
        else:
            edges = [of_type[:, mask] for of_type, mask in zip(edges, masks, strict=True)]
        for layer in self.layers:
            nodes = layer(nodes, edges)
        return nodes[:num_nodes]

    def pool_keypoints(self, nodes: Tensor, visible: Tensor) -> Tensor:
        """Attention pooling of each frame's visible nodes: (B, T, K, C) to (B, T, hidden_dim), a mean per head."""
        scores = self.score(nodes)
        scores = scores.masked_fill(~visible[..., None], torch.finfo(scores.dtype).min)
        weight = scores.softmax(dim=2) * visible[..., None]  # (B, T, K, heads); all 0 where nothing is visible
        return self.projection((weight.transpose(2, 3) @ nodes).flatten(2))
