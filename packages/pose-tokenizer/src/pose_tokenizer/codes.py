"""Codes of a block: the mark of none, and how many there may be."""

NO_CODE = -1  # fills the row of a block that has fewer codes than there are codebooks
# The largest numbers that the header of a token file has room for.
MAX_QUANTIZERS, MAX_CODEBOOK_SIZE, MAX_BLOCK_FRAMES = 255, 65536, 255
