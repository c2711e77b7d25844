"""rlhf_lite: the InstructGPT paper in miniature."""

__version__ = "0.1.0"
