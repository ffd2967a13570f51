"""Where `load_model` was before; see `model`."""

from pose_encoders.model import load_model as load_model
