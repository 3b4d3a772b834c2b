"""What an org would not keep is found in every column, although most columns are looked through quickly."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from contact_sync.connectors.salesforce import kept

TEXT = st.text(st.sampled_from("ab é\t\n\r\x00\x1f\x7f\u00a0\u2028\u3000"), max_size=3)


@example(texts=["a", "a\x00b"], skipped=0)
@example(texts=["a", ""], skipped=0)
@example(texts=[None, " a"], skipped=1)
@example(texts=["a", "b\u3000"], skipped=0)
@given(texts=st.lists(st.none() | TEXT, min_size=1, max_size=4), skipped=st.integers(0, 1))
def test_a_quick_look_misses_nothing(texts: list[str | None], skipped: int) -> None:
    """Exactly the texts that are empty, framed by blanks or hold control characters, also in a part of a column."""
    values = pa.chunked_array([pa.array(texts, pa.string())[skipped:]], pa.string())
    expected = {
        place
        for place, text in enumerate(texts[skipped:])
        if text is not None and (not text or text != text.strip() or set(text) & {"\x00", "\x1f"})
    }
    _, found = kept.canonical(values, None)

    assert expected == {place for mask, _ in found for place, is_wrong in enumerate(mask.to_pylist()) if is_wrong}
