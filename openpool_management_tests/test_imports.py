"""Importing the package reads no environment, touches no network and starts nothing."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import openpool_management

# Third parties may read the environment when they are imported (PATH, locale, proxies): only a read
# that our own code makes counts, so the innermost frame outside the os module is looked at.
# Environment variables are read in C or through os.environ, which raises no audit event; hence the
# subclass. Network access always raises one, whoever makes it. urllib3 binds ::1 to learn whether
# the machine has IPv6, which reaches nobody. Dagster asks `file` whether this Python has 32 bits.
PROBE = """
import os, sys

FORBIDDEN = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto",
             "subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec"}
found = []

def hook(event, arguments):
    harmless = (event == "socket.bind" and arguments[1] == ("::1", 0)) or (
        event == "subprocess.Popen" and arguments[1][:2] == ["file", "-b"]
    )
    if event in FORBIDDEN and not harmless:
        found.append(f"{event} {arguments!r}")

class Watched(type(os.environ)):
    def _note(self, key):
        frame = sys._getframe(2)
        while frame.f_globals.get("__name__") in {"os", "collections.abc"}:
            frame = frame.f_back
        name = frame.f_globals.get("__name__", "")
        if name.split(".")[0] == "openpool_management":
            found.append(f"{name} line {frame.f_lineno} reads the environment: {key}")

    def __getitem__(self, key):
        self._note(key)
        return super().__getitem__(key)

    def __iter__(self):
        self._note("all of it")
        return super().__iter__()

os.environ.__class__ = Watched
sys.addaudithook(hook)
exec(sys.argv[1])
print("\\n".join(found))
"""


def findings(code: str) -> list[str]:
    """What the code does that no import may do."""
    command = [sys.executable, "-c", PROBE, code]
    # PATH alone: nothing of the developer's shell can lend a module what it needs.
    environment = {"PATH": "/usr/bin:/bin"}
    probe = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert probe.returncode == 0, probe.stderr
    return probe.stdout.split("\n")[:-1] if probe.stdout.strip() else []


def every_module() -> list[str]:
    """Names of all modules, those left out that act when they are imported by design."""
    found = pkgutil.walk_packages(openpool_management.__path__, "openpool_management.")
    names = ["openpool_management", *(module.name for module in found)]
    # Alembic executes its env.py and the versions itself; __main__ is a program.
    return [name for name in names if not name.endswith(("__main__", ".env"))]


def test_importing_every_module_has_no_side_effect() -> None:
    names = every_module()
    assert "openpool_management.settings" in names
    assert findings(f"import importlib; [importlib.import_module(n) for n in {names!r}]") == []


def test_the_probe_sees_a_connection() -> None:
    code = (
        "import socket\\ntry: socket.create_connection(('127.0.0.1', 9), timeout=1)\\n"
        "except OSError: pass"
    ).replace("\\n", "\n")
    assert any(finding.startswith("socket.") for finding in findings(code))


def test_the_probe_sees_our_code_read_the_environment() -> None:
    for read in ("os.environ.get('HOME')", "os.getenv('HOME')", "dict(os.environ)"):
        seen = findings(
            f"exec('import os; {read.replace(chr(39), chr(34))}', "
            "{'__name__': 'openpool_management.sample'})"
        )
        assert any("openpool_management.sample" in finding for finding in seen), read


def test_the_probe_sees_settings_being_loaded() -> None:
    seen = findings("from openpool_management.settings import load_settings; load_settings()")
    assert any("openpool_management.settings" in finding for finding in seen)
