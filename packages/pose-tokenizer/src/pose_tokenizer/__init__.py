"""pose-tokenizer: pose sequences to discrete tokens and back.

No capability yet: this release keeps the name and the place in the workspace.
"""
