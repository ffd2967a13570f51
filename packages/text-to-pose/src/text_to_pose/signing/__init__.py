"""The signer that knows the rules: what HamNoSys says, as a body in three dimensions. So far: its hands."""
