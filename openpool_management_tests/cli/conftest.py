"""The command line, run in this process with an environment of its own."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from openpool_management.cli import main
from openpool_management_tests.cli.payout_counter import Counter
from openpool_management_tests.servers.anvil import AnvilServer
from openpool_management_tests.servers.process import default_interrupt

CHECKOUT = Path(__file__).parent.parent.parent
OURS = (
    *("OPENPOOL_", "S3_", "POOL_", "MAX_", "AWS_"),
    *("ETH_", "CHAIN_ID", "GAS_LIMIT", "PAYMENT_THRESHOLD_WEI"),
)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.stdout)


Command = Callable[..., Ran]


@pytest.fixture
def openpool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """``openpool(*arguments, OPTION=value)``: its home is in tmp_path."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENPOOL_HOME", str(tmp_path / "home"))

    def run(*arguments: str, **options: object) -> Ran:
        with monkeypatch.context() as patch:
            for name, value in options.items():
                patch.setenv(name, str(value))
            capsys.readouterr()
            with pytest.raises(SystemExit) as end:
                main(arguments)
        captured = capsys.readouterr()
        return Ran(int(end.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def counter(
    openpool: Command, tmp_path: Path, anvil: AnvilServer, caplog: pytest.LogCaptureFixture
) -> Iterator[Counter]:
    """A pool that owes three workers and pays them. In the end nothing secret was told."""
    caplog.set_level(logging.DEBUG)
    for made in Counter.at(tmp_path, anvil, openpool):
        yield made
        told = "\n".join([*made.printed, caplog.text]).lower()
        assert [secret for secret in made.secrets() if secret.lower() in told] == []


def clean_environment(home: Path, options: Mapping[str, object]) -> dict[str, str]:
    """The environment of a child process, without what the developer's shell says."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
    return kept | {"OPENPOOL_HOME": str(home)} | {name: str(it) for name, it in options.items()}


@contextmanager
def start_openpool(
    *arguments: str, home: Path, **options: object
) -> Iterator["subprocess.Popen[str]"]:
    """``openpool`` as a process of its own, killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "openpool_management.cli", *arguments],
        env=clean_environment(home, options),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=default_interrupt,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
