"""Ids that make a redone batch the same batch."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from openpool_management.domain.batch import Batch, BatchKind, batch_id, held_id
from openpool_management_tests.log_objects import AI, START, TRANSCODE, key

parts = st.lists(st.text(), max_size=5)


@given(parts, st.randoms(use_true_random=False))
def test_batch_id_hangs_on_its_parts_alone(names: list[str], random: Random) -> None:
    shuffled = random.sample(names, len(names))
    assert batch_id(AI, BatchKind.OBJECTS, names) == batch_id(AI, BatchKind.OBJECTS, shuffled)


@given(st.sets(st.text("abc/-_.json\0"), max_size=4), st.sets(st.text("abc/-_.json\0"), max_size=4))
def test_other_parts_make_another_batch(one: set[str], other: set[str]) -> None:
    same = batch_id(AI, BatchKind.OBJECTS, one) == batch_id(AI, BatchKind.OBJECTS, other)
    assert same == (one == other)


def test_stream_and_kind_are_part_of_a_batch_id() -> None:
    ids = {batch_id(stream, kind, ["k"]) for stream in (AI, TRANSCODE) for kind in BatchKind}
    assert len(ids) == 2 * len(BatchKind)


def test_held_id_tells_object_content_and_place_apart() -> None:
    name = key(AI)
    ids = {
        held_id(name, "e1", 0),
        held_id(name, "e1", 1),
        held_id(name, "e2", 0),
        held_id(key(AI, 60), "e1", 0),
    }
    assert len(ids) == 4
    assert held_id(name, "e1", 0) in ids


@given(st.text(st.characters(categories=["Cs", "L", "N"])))
def test_ids_are_made_of_any_text(text: str) -> None:
    assert held_id(text, "e", 0).startswith("H")
    assert len(batch_id(AI, BatchKind.OBJECTS, [text])) == 32


def test_batch_counts_its_events() -> None:
    batch = Batch("b", AI, 1, BatchKind.OBJECTS, START, 1, counts={"a": 2, "b": 3})
    assert batch.events == 5
    assert Batch("b", AI, 1, BatchKind.OBJECTS, START, 1).events == 0
