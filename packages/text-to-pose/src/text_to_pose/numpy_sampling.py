"""`onnx_model` by its former name, for scripts that import it."""

from text_to_pose.onnx_model import Condition, OnnxTextToPose, frame_mask, normal_noise

__all__ = ["Condition", "OnnxTextToPose", "frame_mask", "normal_noise"]
