"""Event logs as the pool's go-livepeer would write them, made up from a seed, with their truth."""

from openpool_management.simulation.flush import Flush, Sink
from openpool_management.simulation.options import SimulationOptions
from openpool_management.simulation.simulation import Simulation, expected_ledger, live, simulate

__all__ = [
    "Flush",
    "Simulation",
    "SimulationOptions",
    "Sink",
    "expected_ledger",
    "live",
    "simulate",
]
