"""pose-tokenizer: pose sequences to discrete tokens and back."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose_tokenizer.codec import decode, encode
    from pose_tokenizer.config import RunConfig, TokenizerConfig
    from pose_tokenizer.files.token_file import PoseTokens, read_tokens, write_tokens
    from pose_tokenizer.files.vocabulary import Vocabulary
    from pose_tokenizer.losses import TokenizerLoss
    from pose_tokenizer.model import PoseTokenizer, load_model
    from pose_tokenizer.streaming import StreamDecoder, StreamEncoder
    from pose_tokenizer.training import train

__all__ = [
    "PoseTokenizer",
    "PoseTokens",
    "RunConfig",
    "StreamDecoder",
    "StreamEncoder",
    "TokenizerConfig",
    "TokenizerLoss",
    "Vocabulary",
    "decode",
    "encode",
    "load_model",
    "read_tokens",
    "train",
    "write_tokens",
]

_HOMES = {
    "PoseTokenizer": "model",
    "PoseTokens": "files.token_file",
    "RunConfig": "config",
    "StreamDecoder": "streaming",
    "StreamEncoder": "streaming",
    "TokenizerConfig": "config",
    "TokenizerLoss": "losses",
    "Vocabulary": "files.vocabulary",
    "decode": "codec",
    "encode": "codec",
    "load_model": "model",
    "read_tokens": "files.token_file",
    "train": "training",
    "write_tokens": "files.token_file",
}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first asked for: `pose-tokenizer --help` need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
