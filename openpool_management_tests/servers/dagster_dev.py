"""``dagster dev`` as a real process: webserver, daemon and code server."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from openpool_management_tests.servers.process import ServerProcess, free_port

START_TIMEOUT_SECONDS = 150
REQUEST_TIMEOUT_SECONDS = 60

# /server_info answers, and the workspace says LOADED, though the code could not be imported.
_LOCATIONS = """
{ workspaceOrError { __typename ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }
"""


class DagsterDev:
    """``dagster dev`` on a free port of 127.0.0.1, ready when its code location has loaded.

    Use as a context manager. DAGSTER_HOME is among env, or nothing outlives the process.
    """

    def __init__(
        self, *, env: Mapping[str, str], cwd: Path, log: Path, arguments: Sequence[str] = ()
    ) -> None:
        """Start in cwd with env as the whole environment; arguments follow ``dagster dev``.

        Raises RuntimeError with the log's tail if a code location fails to load or nothing answers.
        """
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port)]
        self.process = ServerProcess([*command, *arguments], log=log, env=env, cwd=cwd)
        self.process.wait_ready(self._has_loaded, START_TIMEOUT_SECONDS)

    def __enter__(self) -> "DagsterDev":
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if failure is not None:
            print(f"The log of dagster dev ends:\n{self.process.log_tail()}")

    def graphql(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The ``data`` of an answer. Raises RuntimeError when it holds errors."""
        body = json.dumps({"query": query, "variables": dict(variables or {})}).encode()
        request = Request(
            f"{self.url}/graphql", data=body, headers={"Content-Type": "application/json"}
        )
        try:
            with urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as response:
                answer = json.load(response)
        except HTTPError as error:
            text = error.read().decode(errors="replace")
            raise RuntimeError(f"GraphQL answered HTTP {error.code}: {text}") from error
        if answer.get("errors"):
            raise RuntimeError(f"GraphQL answered with errors: {answer['errors']}")
        data: dict[str, Any] = answer["data"]
        return data

    def stop(self) -> None:
        """End dagster dev and every process it started."""
        self.process.stop()

    def kill(self) -> None:
        """Kill dagster dev and every process it started, at once."""
        self.process.kill()

    def _has_loaded(self) -> bool:
        try:
            workspace = self.graphql(_LOCATIONS)["workspaceOrError"]
        except (URLError, OSError):
            return False
        entries = workspace.get("locationEntries", [])
        for entry in entries:
            found = entry["locationOrLoadError"] or {}
            if found.get("__typename") == "PythonError":
                raise RuntimeError(f"{entry['name']} did not load: {found['message']}")
        return bool(entries) and all(
            (entry["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"
            for entry in entries
        )
