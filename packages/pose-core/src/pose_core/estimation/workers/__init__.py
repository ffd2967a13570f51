"""Scripts that run an estimator in its own environment; they import nothing of pose_core, and it nothing of them."""
