"""The folder of a demo's state, and an environment in which nothing of the operator's is left."""

import fcntl
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

import openpool_management
from openpool_management.option_checks import project_root
from openpool_management.options import option_of, read_env_file
from openpool_management.settings import Settings

LOCK_NAME = "demo.lock"
DAGSTER_FOLDER = "dagster"
# Where Dagster keeps things: left out, it keeps them in DAGSTER_HOME.
STORAGE_KEYS = ("storage", "local_artifact_storage", "compute_logs")
# What can reach this package, Dagster, boto3 or Python's loader through the environment.
LEAKY_PREFIXES = ("OPENPOOL_", "S3_", "POOL_", "MAX_FILES_", "AWS_", "DAGSTER_", "BOTO_")
NO_PROXY = "127.0.0.1,localhost"
# The embedded server takes any key, but S3 is not spoken without one.
S3_KEY = "demo"


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


class DemoHome:
    """The folder, held by a lock for as long as this object lives."""

    def __init__(self, folder: Path) -> None:
        """Take the folder and empty it. A relative path is taken from the project.

        Raises DemoError if another demo runs in it, or if it holds what is no demo's.
        """
        self.folder = project_root() / folder.expanduser()
        self.dagster_folder = self.folder / DAGSTER_FOLDER
        lock = self.folder / LOCK_NAME
        if self.folder.exists() and not lock.exists() and any(self.folder.iterdir()):
            raise DemoError(
                f"{self.folder} holds files that are not a demo's, and a demo empties its folder: "
                "name another one with --home."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock.open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DemoError(
                f"Another demo runs in {self.folder}: end it with Ctrl-C, or name another folder "
                "with --home."
            ) from error
        self._empty()

    def _empty(self) -> None:
        for path in self.folder.iterdir():
            if path.name == LOCK_NAME:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        """What this process and its children run with: outer, less all that is the operator's."""
        # An empty variable hides what the operator's .env says.
        hidden = {option_of(field).name for field in Settings.model_fields.values()}
        hidden |= set(read_env_file(project_root() / ".env"))
        kept = {
            name: text
            for name, text in outer.items()
            if name not in hidden and not name.startswith(LEAKY_PREFIXES)
        }
        package_parent = str(Path(openpool_management.__file__).resolve().parent.parent)
        paths = {
            # Dagster starts its own parts by name.
            "PATH": (str(Path(sys.executable).parent), kept.get("PATH", os.defpath)),
            "PYTHONPATH": (package_parent, kept.get("PYTHONPATH", "")),
        }
        return (
            dict.fromkeys(hidden, "")
            | kept
            | {name: os.pathsep.join(filter(None, parts)) for name, parts in paths.items()}
            | {
                "OPENPOOL_HOME": str(self.folder),
                "AWS_ACCESS_KEY_ID": S3_KEY,
                "AWS_SECRET_ACCESS_KEY": S3_KEY,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                "NO_PROXY": NO_PROXY,
                "no_proxy": NO_PROXY,
                # The first look at the log should not keep anyone waiting, nor take many runs.
                "S3_SENSOR_INTERVAL_SECONDS": "5",
                "MAX_FILES_PER_BATCH": "2000",
                "DAGSTER_HOME": str(self.dagster_folder),
            }
        )

    def prepare_dagster(self) -> None:
        """Write an instance and a workspace like the project's, but for where state is kept."""
        self.dagster_folder.mkdir()
        instance: dict[str, object] = {"telemetry": {"enabled": False}}
        own = project_root() / "dagster.yaml"
        if own.is_file():
            instance = yaml.safe_load(own.read_text(encoding="utf-8"))
        for key in STORAGE_KEYS:
            instance.pop(key, None)
        workspace = {
            "load_from": [
                {
                    "python_module": {
                        "module_name": "openpool_management.definitions",
                        "location_name": "openpool_management",
                    }
                }
            ]
        }
        (self.dagster_folder / "dagster.yaml").write_text(yaml.safe_dump(instance))
        (self.dagster_folder / "workspace.yaml").write_text(yaml.safe_dump(workspace))
