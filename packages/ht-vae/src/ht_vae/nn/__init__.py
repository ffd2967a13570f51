"""The parts of the networks: attention, the linear basis, the latent space and its prior."""
