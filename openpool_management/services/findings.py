"""What an examination found: a level, a sentence, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters. An error means that something does not work or is not right."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. subject is what was looked at; remedy is empty where nothing is to be done."""

    level: Level
    subject: str
    sentence: str
    remedy: str = ""


def ok(subject: str, sentence: str) -> Finding:
    """A finding that calls for nothing."""
    return Finding(Level.OK, subject, sentence)


def warning(subject: str, sentence: str, remedy: str) -> Finding:
    """A finding that somebody should look at."""
    return Finding(Level.WARNING, subject, sentence, remedy)


def error(subject: str, sentence: str, remedy: str) -> Finding:
    """A finding that keeps the pool from working, or from being right."""
    return Finding(Level.ERROR, subject, sentence, remedy)
