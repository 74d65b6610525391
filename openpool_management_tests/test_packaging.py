"""What is installed, and the names and paths that several files have to agree on."""

import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.instance import InstanceRef

from openpool_management.options import option_of, options_table
from openpool_management.settings import Settings
from openpool_management_tests.options_document import DOCUMENT, with_table

CHECKOUT = Path(__file__).parent.parent
PACKAGE = CHECKOUT / "openpool_management"


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    """The tables of pyproject.toml."""
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


def setup_says(*arguments: str) -> list[str]:
    """The lines that ``setup.py`` answers to a question about its metadata."""
    command = [sys.executable, "setup.py", "--quiet", *arguments]
    answer = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return answer.stdout.split()


def test_the_code_location_has_one_name_and_one_module(pyproject: dict[str, Any]) -> None:
    (entry,) = yaml.safe_load((CHECKOUT / "workspace.yaml").read_text())["load_from"]
    workspace = entry["python_module"]
    dagster = pyproject["tool"]["dagster"]

    assert workspace["location_name"] == dagster["code_location_name"] == "openpool_management"
    assert workspace["module_name"] == dagster["module_name"] == "openpool_management.definitions"


def test_setup_py_alone_holds_the_package(pyproject: dict[str, Any]) -> None:
    assert set(pyproject) == {"build-system", "tool"}


def test_the_changelog_names_the_version() -> None:
    (version,) = setup_says("--version")
    changelog = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(
        rf"(^## \[{re.escape(version)}\]|under way is {re.escape(version)}\.)",
        changelog,
        re.MULTILINE,
    )


def test_a_build_holds_every_module_and_data_file(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "setup.py",
        "--quiet",
        "egg_info",
        "--egg-base",
        str(tmp_path),
        "build",
        "--build-base",
        str(tmp_path / "base"),
        "--build-lib",
        str(tmp_path / "lib"),
    ]
    subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True)

    def files(package: Path) -> set[str]:
        found = (path for path in package.rglob("*") if path.is_file())
        return {str(path.relative_to(package)) for path in found if path.suffix != ".pyc"}

    built = tmp_path / "lib" / "openpool_management"
    assert files(built) == files(PACKAGE)
    assert (built / "py.typed").is_file()
    assert not (tmp_path / "lib" / "openpool_management_tests").exists()


def test_dagster_keeps_all_state_in_the_home_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``dagster dev`` does it without DAGSTER_HOME: a home it deletes, and our dagster.yaml."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    deleted_on_exit = tmp_path / "home"
    deleted_on_exit.mkdir()
    monkeypatch.chdir(project)

    def instance() -> DagsterInstance:
        reference = InstanceRef.from_dir(str(deleted_on_exit), config_dir=str(project))
        return DagsterInstance.from_ref(reference)

    with instance() as first:
        first.add_dynamic_partitions("stream", ["ai|us-central"])
        assert Path(first.storage_directory()).is_relative_to(".openpool/dagster")
    with instance() as second:
        assert second.get_dynamic_partitions("stream") == ["ai|us-central"]
        assert second.telemetry_enabled is False
        assert second.run_retries_enabled is False
        assert second.run_monitoring_max_resume_run_attempts == 0
        limits = second.get_concurrency_config().run_queue_config
        assert limits is not None
        assert limits.max_concurrent_runs == 4
        assert limits.tag_concurrency_limits == [
            {"key": "openpool/stream", "value": {"applyLimitPerUniqueValue": True}, "limit": 1},
            {"key": "openpool/wallet", "limit": 1},
        ]
    assert list(deleted_on_exit.iterdir()) == []
    assert {path.name for path in project.iterdir()} == {"dagster.yaml", ".openpool"}
    assert {path.name for path in (project / ".openpool").iterdir()} == {"dagster"}


def test_every_line_of_dagster_yaml_is_explained() -> None:
    blocks = re.split(r"\n\n", (CHECKOUT / "dagster.yaml").read_text().strip())
    for block in blocks:
        assert block.startswith("#"), f"this block of dagster.yaml has no comment:\n{block}"


def test_ci_runs_make_test() -> None:
    run = CHECKOUT / ".ci" / "run"
    assert run.stat().st_mode & stat.S_IXUSR
    assert "make test" in run.read_text()


def test_configuration_document_lists_every_option_with_its_default() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    expected = with_table(document, options_table(Settings.model_fields))
    assert document == expected, "run `make docs` and commit the result"
    assert "| `POOL_COMMISSION_RATE` | `0.25` | share |" in document


def test_example_file_names_only_real_options() -> None:
    text = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
    options = re.findall(r"^(?:# )?([A-Z0-9_]+)=", text, re.MULTILINE)
    known = {option_of(field).name for field in Settings.model_fields.values()}
    assert "S3_BUCKET" in options
    assert set(options) <= known
