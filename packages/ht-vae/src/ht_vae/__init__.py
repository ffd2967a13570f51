"""ht-vae: long pose sequences to one latent space and back.

No capability yet: this release keeps the name and the place in the workspace.
"""
