from datetime import datetime
from typing import Any

import pytest

from openpool_management.domain.streams import Stream
from openpool_management.simulation import SimulationOptions


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("streams", ()),
        ("streams", (Stream("ai", "x"), Stream("ai", "x"))),
        ("streams", (Stream("gpu", "x"),)),
        ("streams", (Stream("ai", "a/b"),)),
        ("workers", 0),
        ("events", -1),
        ("orchestrators", 0),
        ("flush_seconds", 1),
        ("flush_events", 5),
        ("jobs_per_second", 0),
        ("jobs_per_second", 501),
        ("late_share", 1.1),
        ("collision_share", -0.1),
        ("start", datetime(2026, 1, 1)),  # noqa: DTZ001 - that is the mistake
    ],
)
def test_a_wrong_option_is_named(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=option):
        SimulationOptions(**{option: value})
