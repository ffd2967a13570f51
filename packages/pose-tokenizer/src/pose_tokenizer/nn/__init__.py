"""The parts of the network."""
