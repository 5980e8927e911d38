"""Records of runs: any bytes and any JSON are read, or refused in a line."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from suite.host import manifest

RECORD: dict[str, Any] = {
    "format": 2, "study": "a.study", "key": "key", "status": "finished", "config": {}, "seed": 0, "device": "cpu",
    "inputs": {}, "code": {"digest": ""}, "versions": {}, "timings": {"started": "2026-01-01", "seconds": 1.0},
    "facts": {}, "tables": {"a": {"file": "tables/a.parquet", "rows": 1}}, "models": {},
}  # fmt: skip
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_a_reason(data: bytes) -> None:
    content, why = manifest.decoded(data)
    assert (why or manifest.fault(content)).isprintable()


@given(st.sampled_from([*RECORD]), values)
def test_what_passes_can_be_relied_on(key: str, value: Any) -> None:
    data = json.dumps({**RECORD, key: value}).encode()
    content, why = manifest.decoded(data)
    if why or manifest.fault(content):
        return
    json.dumps(content, allow_nan=False).encode()
    assert 0 <= content["seed"] < 2**63 and content["tables"].keys().isdisjoint({"", ".."})


def test_the_record_itself_passes() -> None:
    assert manifest.fault(RECORD) == ""
