"""Names of the formats of token files, and the suffix of each; imports nothing."""

from typing import Literal

TokenFormat = Literal["tokens", "json", "text"]
SUFFIXES: dict[str, str] = {"tokens": ".tokens", "json": ".json", "text": ".txt"}
