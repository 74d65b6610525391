"""An archiving that is killed between any two writes is taken up by the next, and loses nothing."""

import os
import signal
import subprocess
from threading import Event

import pytest

from openpool_management_tests.archive_rig import ArchiveRig
from openpool_management_tests.cli.conftest import start_openpool
from openpool_management_tests.servers.fault_proxy import Fault, FaultProxy
from openpool_management_tests.services.archiving.conftest import LATER, PAIR, SEGMENT

WRITES = ("PUT ", "DELETE ")
OBJECTS = 3


class Killer:
    """Ends a process, as kill -9 would, before its n-th write to the store."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.writes: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.started = Event()

    def choose(self, asked: str) -> Fault | None:
        """For the proxy."""
        if not asked.startswith(WRITES):
            return None
        self.writes.append(asked.split()[0])
        if len(self.writes) < self.place:
            return None
        self.started.wait()
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        return Fault(status=503)


@pytest.mark.parametrize("place", range(1, 2 * OBJECTS + 1))
def test_killed_before_each_write(rig: ArchiveRig, place: int) -> None:
    balances = rig.balances_wei()
    killer = Killer(place)
    with FaultProxy(rig.endpoint_url, killer.choose) as proxy:
        options = rig.options(proxy.endpoint_url) | {"OPENPOOL_FETCH_THREADS": "1"}
        home = rig.home
        with start_openpool("archive", "--delete", "--older-than", "0", home=home, **options) as it:
            killer.process = it
            killer.started.set()
            it.communicate()
    assert it.returncode == -signal.SIGKILL
    # With one thread a copy and a deletion take turns.
    assert killer.writes[:place] == ["PUT", "DELETE"] * (place // 2) + ["PUT"] * (place % 2)
    copies, left = list(rig.copies().values()), [data for _, data in rig.contents()]
    for data in (PAIR, SEGMENT, LATER):
        assert data in copies or data in left
    assert len(left) == OBJECTS - (place - 1) // 2
    assert len(copies) == place // 2
    assert rig.sync() == 0
    rig.assert_proven(OBJECTS)
    report = rig.archive(delete=True)
    assert (report.archived, report.deleted, report.failed) == (
        OBJECTS - len(copies),
        len(left),
        [],
    )
    assert rig.contents() == [] and len(rig.copies()) == OBJECTS
    assert rig.sync() == 0 and rig.balances_wei() == balances
    rig.assert_proven(OBJECTS)
