"""What a setting is: its name in the environment, its unit, what it may be, how it is shown."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotated_types import Interval
from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

_HIDDEN = "set, not shown"
_NOT_SET = "not set"
# Names that start like this are options or mistakes.
_OUR_PREFIXES = ("OPENPOOL_", "POOL_")
# How our other names start. AWS_ is left out: most names there are not ours.
_SHARED_PREFIXES = ("S3_", "MAX_", "ETH_", "PAYMENT_", "GAS_", "CHAIN_")
# Orchestrators are configured by these, and may run on the same machine.
_EMITTER_PREFIX = "POOL_S3_"
_EMITTER_NAMES = {
    "POOL_REGION",
    "POOL_NODE_TYPE",
    "POOL_FLUSH_INTERVAL_SECONDS",
    "POOL_EVENT_THRESHOLD",
}
# So near that MAX_GAS_PRICE counts as a mistake, and the ETH_RPC_URL of other tools does not.
_TYPO_LIKENESS = 0.86


class SettingsError(ValueError):
    """Settings that cannot be used. Its text is one sentence for each problem, one a line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be: the end of the sentence "must be …"."""

    text: str


@dataclass(frozen=True, slots=True)
class Option:
    """The side of a setting that people see.

    default_text stands for a default that depends on the machine.
    shown is "plain", "url" (a password in it is hidden) or "hidden" (the value is never told).
    """

    name: str
    unit: str
    description: str
    default_text: str = ""
    shown: str = "plain"

    def value_text(self, value: object) -> str:
        """The value as it may be printed anywhere."""
        if value is None or value in ("", ()):
            return _NOT_SET
        if self.shown == "hidden" or isinstance(value, SecretStr):
            return _HIDDEN
        if isinstance(value, tuple):
            return ", ".join(str(item) for item in value)
        if isinstance(value, bool):
            return str(value).lower()
        return hide_passwords(str(value)) if self.shown == "url" else str(value)


@dataclass(frozen=True, slots=True)
class OptionDescription:
    """One row of ``openpool settings``; value holds no secret."""

    name: str
    value: str
    default: str
    unit: str
    description: str


def hide_passwords(url: str) -> str:
    """A URL without its user, password and secret query values; safe for malformed URLs too."""
    head, at, tail = url.rpartition("@")
    if at:
        # Everything before the last @ goes: a password may itself hold "/", ":" or "@".
        scheme, separator, _ = head.partition("://")
        url = f"{scheme}://***@{tail}" if separator else f"***@{tail}"
    return re.sub(r"(?i)([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&]*", r"\1***", url)


def read_env_file(file: Path) -> dict[str, str]:
    """What a ``.env`` file says, or nothing without one. SettingsError if it is unreadable."""
    try:
        lines = dotenv_values(file, interpolate=False)
    except (OSError, UnicodeDecodeError):
        # Without the cause, which may quote the file.
        raise SettingsError([f"{file} cannot be read; make it readable UTF-8 text."]) from None
    return {name: value for name, value in lines.items() if value is not None}


def option_of(field: FieldInfo) -> Option:
    """The Option that a field is annotated with. Raises TypeError if there is none."""
    for item in field.metadata:
        if isinstance(item, Option):
            return item
    raise TypeError(f"A setting of type {field.annotation} has no Option annotation; add one.")


def describe_field(field: FieldInfo, value: object) -> OptionDescription:
    """The row of one setting with the value it has."""
    option = option_of(field)
    default = option.default_text or option.value_text(field.get_default())
    return OptionDescription(
        option.name, option.value_text(value), default, option.unit, option.description
    )


def options_table(fields: Mapping[str, FieldInfo]) -> str:
    """The Markdown table of docs/configuration.md, without the values of this machine."""
    lines = ["| Option | Default | Unit | Meaning | Allowed |", "|---|---|---|---|---|"]
    for field in fields.values():
        row = describe_field(field, None)
        default = row.default if row.default == _NOT_SET else f"`{row.default}`"
        cells = (f"`{row.name}`", default, row.unit, row.description, _allowed(field))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def unknown_names(given: Iterable[str], fields: Mapping[str, FieldInfo]) -> list[str]:
    """A sentence for each given name that looks like an option and is none."""
    known = [option_of(field).name for field in fields.values()]
    problems = []
    for name in sorted(set(given) - set(known)):
        if name in _EMITTER_NAMES or name.startswith(_EMITTER_PREFIX):
            continue
        ours = name.upper().startswith(_OUR_PREFIXES)
        if not ours and not name.upper().startswith(_SHARED_PREFIXES):
            continue
        cutoff = 0.6 if ours else _TYPO_LIKENESS
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=cutoff)
        if near:
            problems.append(f"{name} is not an option; did you mean {near[0]}?")
        elif ours:
            problems.append(
                f"{name} is not an option; remove it, or see `openpool settings` for all options."
            )
    return problems


def all_at_once(problems: Iterable[str]) -> None:
    """For checks of several options: raises ValueError with a line for each problem, if any."""
    text = "\n".join(problems)
    if text:
        raise ValueError(text)


def wrong_values(error: ValidationError, fields: Mapping[str, FieldInfo]) -> list[str]:
    """A sentence for each wrong value, without the value of a secret."""
    problems = []
    for item in error.errors():
        # A default that hangs on another option that is itself wrong is no problem of its own.
        if item["type"] == "default_factory_not_called":
            continue
        name = str(item["loc"][0]) if item["loc"] else ""
        if name in fields:
            problems.append(_wrong_value(fields[name], item["input"]))
        elif item["type"] == "extra_forbidden":
            problems.append(f"{name} is not a setting; see Settings for their names.")
        else:
            problems += item["msg"].removeprefix("Value error, ").splitlines()
    return problems


def _wrong_value(field: FieldInfo, value: Any) -> str:
    option = option_of(field)
    shown = option.value_text(value)
    told = "is set (value not shown)" if shown == _HIDDEN else f'is "{shown}"'
    return f"{option.name} {told}, but must be {_allowed(field)}."


def _allowed(field: FieldInfo) -> str:
    for item in field.metadata:
        if isinstance(item, Allowed):
            return item.text
        if isinstance(item, Interval):
            return f"a whole number from {item.ge} to {item.le}"
    return "text"
