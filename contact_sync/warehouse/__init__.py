"""The warehouse: where bronze is transformed. One adapter per engine behind one port; DuckDB is the embedded one."""
