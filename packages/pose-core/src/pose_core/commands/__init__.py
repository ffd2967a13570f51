"""The work behind the `pose-core` commands; `pose_core.cli` declares their options."""
