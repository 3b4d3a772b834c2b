"""Evidence as numbers: records, keys, pairs and stamps as positions in arrays, and the components they connect.

Does not belong here: judging the evidence (guards.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.identity.evidence import SAID_BY_SYSTEMS, STAMP, Evidence, Limits

_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """records: their names, the live ones (`live_count`) first. Everything else refers to them by position.

    key_records, keys, key_rules: one entry per record and key, the key and the rule (of `rule_names`) as numbers.
    pairs (two columns) and their scores; doubted: pairs that the model takes for two; same, different: two columns.
    stamped, stamp_places, stamp_keys: one entry per stamped record.
    """

    records: pa.Array[Any]
    live_count: int
    key_records: _Numbers
    keys: _Numbers
    key_rules: _Numbers
    rule_names: list[str]
    pairs: _Numbers
    scores: npt.NDArray[np.float64]
    doubted: _Numbers
    same: _Numbers
    different: _Numbers
    stamped: _Numbers
    stamp_places: _Numbers
    stamp_keys: _Numbers

    def components(self) -> _Numbers:
        """The number of each record's component."""
        return self._components(self.key_records >= 0, np.ones(len(self.pairs), dtype=np.bool_))

    def components_without(self, pairs: npt.NDArray[np.bool_], *, among: npt.NDArray[np.bool_]) -> _Numbers:
        """The components of some records, if some pairs are left out; any other record is alone."""
        return self._components(among[self.key_records], among[self.pairs[:, 0]] & ~pairs)

    def _components(self, keys: npt.NDArray[np.bool_], chosen: npt.NDArray[np.bool_]) -> _Numbers:
        """The components that these keys of records, these pairs and all decisions make."""
        # Loading scipy takes 0.4 CPU seconds, which no other command has use for.
        from scipy.sparse import coo_matrix  # noqa: PLC0415 -- heavy
        from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 -- heavy

        count = len(self.records)
        pairs = self.pairs[chosen]
        rows = np.concatenate([self.key_records[keys], pairs[:, 0], self.same[:, 0]])
        columns = np.concatenate([self.keys[keys] + count, pairs[:, 1], self.same[:, 1]])
        size = count + int(self.keys.max(initial=-1)) + 1
        edges = coo_matrix((np.ones(len(rows), dtype=np.bool_), (rows, columns)), shape=(size, size))
        _, labels = connected_components(edges, directed=False)
        # Keys are nodes too: numbers of their own components would leave gaps.
        return _dense(labels[:count])


def graph_of(record_keys: pa.ChunkedArray[Any], evidence: Evidence, limits: Limits) -> Graph:
    """Number the records and everything that is known about them; what names unknown records is left out."""
    live = pa.chunked_array(record_keys).combine_chunks().cast(pa.string())
    keys, stamps = _with_anchors(evidence), evidence.stamps
    records = pa.concat_arrays([live, _retired(live, evidence)])
    scored = evidence.pairs.filter(pc.field("score") >= limits.join)
    named = [keys["record_key"], stamps["record_key"]]
    doubted = evidence.pairs.filter(pc.field("score") < limits.believe)
    paired = (scored, doubted, evidence.same, evidence.different)
    named += [table[f"record_key_{side}"] for table in paired for side in (1, 2)]
    key_records, stamped, *sides = _places(named, records)
    pairs, taken_for_two, same, different = (np.stack(sides[at : at + 2], axis=1) for at in range(0, len(sides), 2))
    rules = keys.column("rule").combine_chunks().dictionary_encode()
    key_rules = _numbers(rules.indices)
    known_keys, known_pairs, known_stamps = key_records >= 0, (pairs >= 0).all(axis=1), stamped >= 0
    return Graph(
        records=records,
        live_count=len(live),
        key_records=key_records[known_keys],
        keys=_dense(_codes(keys.column("match_key")) * len(rules.dictionary) + key_rules)[known_keys],
        key_rules=key_rules[known_keys],
        rule_names=[str(name) for name in rules.dictionary.to_pylist()],
        pairs=pairs[known_pairs],
        scores=scored.column("score").to_numpy()[known_pairs],
        doubted=_known(taken_for_two),
        same=_known(same),
        different=_known(different),
        stamped=stamped[known_stamps],
        stamp_places=_codes(stamps.column("place"))[known_stamps],
        stamp_keys=_codes(stamps.column("key"))[known_stamps],
    )


def _with_anchors(evidence: Evidence) -> pa.Table:
    """The match keys, and each stamp as one: records that carry a person's key are that person's."""
    anchors = evidence.anchors
    rule = pa.array([STAMP] * anchors.num_rows, pa.string())
    as_keys = anchors.select(["record_key"]).append_column("rule", rule).append_column("match_key", anchors["key"])
    return pa.concat_tables([evidence.match_keys.select(as_keys.column_names), as_keys], promote_options="permissive")


def _retired(live: pa.Array[Any], evidence: Evidence) -> pa.Array[Any]:
    """Records that a system says live on in others, in the order of their names."""
    said = pc.is_in(evidence.match_keys.column("rule"), value_set=pa.array(SAID_BY_SYSTEMS))
    named = pa.array(evidence.match_keys.filter(said).column("record_key").unique().to_pylist(), pa.string())
    return named.filter(pc.invert(pc.is_in(named, value_set=live))).sort()


def _dense(numbers: npt.NDArray[Any]) -> _Numbers:
    """The same numbers without gaps: small ones, for they become nodes of the graph. Linear, where sorting is not."""
    is_used = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.bool_)
    is_used[numbers] = True
    return np.asarray((np.cumsum(is_used, dtype=np.int64) - 1)[numbers], dtype=np.int64)


def _known(pairs: _Numbers) -> _Numbers:
    return np.asarray(pairs[(pairs >= 0).all(axis=1)], dtype=np.int64)


def _places(columns: Sequence[pa.ChunkedArray[Any]], records: pa.Array[Any]) -> list[_Numbers]:
    """For each column the position of its names among the records; -1 of unknown ones.

    All are looked up in one go, because most of the time goes into the table of the records.
    """
    names = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())
    places = _numbers(pc.index_in(names, value_set=records).fill_null(-1))
    return np.split(places, np.cumsum([len(column) for column in columns])[:-1])


def _codes(values: pa.ChunkedArray[Any]) -> _Numbers:
    return _numbers(values.combine_chunks().dictionary_encode().indices)


def _numbers(values: Any) -> _Numbers:
    numbers: _Numbers = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy()
    return numbers.astype(np.int64)
