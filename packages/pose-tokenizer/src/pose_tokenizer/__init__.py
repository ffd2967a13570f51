"""pose-tokenizer: pose sequences to discrete tokens and back."""

from typing import TYPE_CHECKING

from pose_core.lazy import attach

if TYPE_CHECKING:
    from pose_tokenizer.codec import decode, encode
    from pose_tokenizer.config import RunConfig, TokenizerConfig
    from pose_tokenizer.files.token_file import PoseTokens, read_tokens, write_tokens
    from pose_tokenizer.files.vocabulary import Vocabulary
    from pose_tokenizer.losses import TokenizerLoss
    from pose_tokenizer.model import PoseTokenizer, load_model
    from pose_tokenizer.streaming import StreamDecoder, StreamEncoder
    from pose_tokenizer.training import train

# Names are imported when they are first used: `pose-tokenizer --help` need not wait for torch.
__getattr__, __dir__, _ = attach(
    __name__,
    {
        "codec": ("decode", "encode"),
        "config": ("RunConfig", "TokenizerConfig"),
        "files.token_file": ("PoseTokens", "read_tokens", "write_tokens"),
        "files.vocabulary": ("Vocabulary",),
        "losses": ("TokenizerLoss",),
        "model": ("PoseTokenizer", "load_model"),
        "streaming": ("StreamDecoder", "StreamEncoder"),
        "training": ("train",),
    },
)
__all__ = ["PoseTokenizer", "PoseTokens", "RunConfig", "Vocabulary", "decode", "encode", "load_model", "train"]
