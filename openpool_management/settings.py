"""Every option with its default and unit; the only reader of the environment in the package.

An option comes from an environment variable, else from ``.env`` in the project, else it has its
default. Empty counts as unset; an empty environment variable hides a value in ``.env``.
"""

import os
from typing import Any, Self

from pydantic import ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.ledger_options import LedgerOptions
from openpool_management.option_checks import project_root
from openpool_management.options import (
    OptionDescription,
    SettingsError,
    all_at_once,
    describe_field,
    option_of,
    read_env_file,
    unknown_names,
    wrong_values,
)
from openpool_management.payout_options import PayoutOptions
from openpool_management.serve_options import ServeOptions
from openpool_management.wallet_options import WalletOptions


def _given() -> dict[str, str]:
    """What the environment and ``.env`` say; the environment wins even where it is empty."""
    given = read_env_file(project_root() / ".env")
    return {name: value for name, value in (given | dict(os.environ)).items() if value.strip()}


class _GivenSource(PydanticBaseSettingsSource):
    """Looks options up by their exact name: a field called home must not read $HOME."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return _given().get(option_of(field).name), field_name, False

    def __call__(self) -> dict[str, Any]:
        given = _given()
        fields = self.settings_cls.model_fields
        names = {key: option_of(field).name for key, field in fields.items()}
        return {key: given[name].strip() for key, name in names.items() if name in given}


class Settings(ServeOptions, WalletOptions, PayoutOptions, LedgerOptions, BaseSettings):
    """Every option. Raises SettingsError, a sentence for each problem, when it is made.

    Keyword arguments, by attribute name, win over the environment. Relative paths are taken from
    the project. repr, str, describe and errors hold no secret; ledger_url and signer_url may hold
    a password, and rpc_urls a key.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __init__(self, **values: Any) -> None:
        fields = type(self).model_fields
        problems = unknown_names(_given(), fields)
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems += wrong_values(error, fields)
        # Raised out here so that no traceback shows the validation error, which knows the input.
        if problems:
            raise SettingsError(problems)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: Any, **named: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keyword arguments, then what the environment and ``.env`` say."""
        return named["init_settings"], _GivenSource(settings_cls)

    @model_validator(mode="after")
    def _live_can_pay(self) -> Self:
        # Only then: ETH_KEYSTORE is known to other tools too, and may be set for them.
        if self.payouts is PayoutMode.LIVE:
            all_at_once(self.missing_to_pay())
        return self

    def describe(self) -> list[OptionDescription]:
        """One row for each option, fit to be shown to anyone."""
        fields = type(self).model_fields
        return [describe_field(field, getattr(self, key)) for key, field in fields.items()]

    def __repr__(self) -> str:
        rows = ", ".join(f"{row.name}={row.value!r}" for row in self.describe())
        return f"Settings({rows})"

    __str__ = __repr__


def load_settings() -> Settings:
    """The settings of this process. Raises SettingsError, a sentence for each wrong option."""
    return Settings()
