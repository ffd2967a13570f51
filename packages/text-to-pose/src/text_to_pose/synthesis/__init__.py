"""Training data from the signer that knows the rules: many people and cameras, seen as an estimator sees them."""
