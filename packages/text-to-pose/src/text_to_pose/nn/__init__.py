"""Parts of the network: features, text encoder, denoiser."""
