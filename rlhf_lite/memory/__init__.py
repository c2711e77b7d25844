"""Memory: what was freed is used again (`freed`), what a training will take is known before (`forecast`), and a chain that will
not fit is told what would (`room`)."""

from .freed import give_back, keep_freed

__all__ = ["give_back", "keep_freed"]
