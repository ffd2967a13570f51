"""The signer that knows the rules: what HamNoSys says, signed by a body in three dimensions, without a model."""
