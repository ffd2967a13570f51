"""The parts of the network, from the features of a pose to the codes of a block."""
