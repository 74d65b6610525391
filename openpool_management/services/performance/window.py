"""Windows of time that performance is looked at over."""

from datetime import timedelta
from enum import Enum


class Window(Enum):
    """A span of time that ends at a given moment; the value is its length, None from the first
    event on."""

    DAY = timedelta(hours=24)
    WEEK = timedelta(days=7)
    MONTH = timedelta(days=30)
    ALL = None

    @property
    def label(self) -> str:
        """``24h``, ``7d``, ``30d`` or ``all``."""
        return _LABELS[self]

    @classmethod
    def parse(cls, text: str) -> "Window":
        """The window of a label. Raises ValueError for any other text."""
        for window, label in _LABELS.items():
            if label == text:
                return window
        raise ValueError(f"Window {text!r} is none of {', '.join(_LABELS.values())}: choose one.")


_LABELS = {Window.DAY: "24h", Window.WEEK: "7d", Window.MONTH: "30d", Window.ALL: "all"}
