"""Connected components of records that share match keys; pure.

Does not belong here: which keys records have (dbt_project/models/identity) and which name a cluster gets (assign.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def cluster(record_keys: pa.ChunkedArray[Any], evidence: pa.Table) -> pa.Table:
    """Give each record a cluster number: (record_key, cluster), one row per record.

    record_keys: all records, distinct. evidence: (record_key, match_key), records sharing a match key belong together;
    evidence about unknown records is ignored. Linear in the rows of both.
    """
    # Loading scipy takes 0.4 CPU seconds, which no other command has use for.
    from scipy.sparse import coo_matrix  # noqa: PLC0415 -- heavy
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 -- heavy

    records = pa.chunked_array(record_keys).combine_chunks()
    known = pc.index_in(evidence.column("record_key"), value_set=records)
    used = evidence.filter(pc.is_valid(known))
    record_index = pc.index_in(used.column("record_key"), value_set=records).to_numpy()
    key_index = used.column("match_key").combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    size = len(records) + (int(key_index.max()) + 1 if len(key_index) else 0)
    edges = coo_matrix(
        (np.ones(len(record_index), dtype=np.bool_), (record_index, key_index + len(records))), shape=(size, size)
    )
    _, labels = connected_components(edges, directed=False)
    return pa.table({"record_key": records, "cluster": pa.array(labels[: len(records)], pa.int64())})
