"""No two event IDs share their bytes, whatever text the emitter gives."""

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openpool_management.domain.event_ids import UUID_BYTES, decode_id, encode_id, encode_ids

uuids = st.uuids().map(str)
hex_and_dashes = st.text("0123456789abcdefABCDEF- ", min_size=36, max_size=36)
texts = st.one_of(uuids, st.text(), hex_and_dashes)


def meaning(text: str) -> str:
    """The ID that a text stands for: the letters of a UUID may be in either case."""
    try:
        canonical = str(UUID(text))
    except ValueError:
        return text
    return canonical if text.lower() == canonical else text


@given(texts)
@example("")
@example(str(UUID(int=0)))
@example("-" * 4 + "0" * 32)
@example("01234567-89ab-cdef-0123-456789ab  cd")
def test_id_comes_back(text: str) -> None:
    assert decode_id(encode_id(text)) == meaning(text)


@given(st.lists(texts))
@example(["", str(UUID(int=0))])
@example(["0" * 33 + "---", "0" * 31 + "-----"])
@example(["0" * 32 + "----"])
def test_column_holds_what_single_ids_hold(batch: list[str]) -> None:
    assert encode_ids(batch).to_list() == [encode_id(text) for text in batch]


@given(uuids)
def test_uuid_takes_sixteen_bytes(text: str) -> None:
    assert encode_id(text) == encode_id(text.upper()) == UUID(text).bytes
    assert len(encode_id(text)) == UUID_BYTES


@pytest.mark.parametrize("text", ["", "0", "9a1dd2e2-7a38-4c4b-8b65", "ü" * 36, "0x" + "0" * 34])
def test_text_that_is_no_uuid_is_kept(text: str) -> None:
    assert len(encode_id(text)) != UUID_BYTES
    assert decode_id(encode_id(text)) == text


def test_column_of_no_ids() -> None:
    assert encode_ids([]).to_list() == []
