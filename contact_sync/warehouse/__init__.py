"""The warehouse: where bronze is transformed. One adapter per engine behind one Protocol; DuckDB is the embedded one."""
