"""ClickHouse, embedded (`chdb://`) or server (`clickhouse://`): what was measured, kept and asked for.

`store` opens and watches it, `schema` is its shape, `recorder` writes, `queries` is the one place
that knows SQL, `reader` runs queries off everybody's path. May import `settings` and `probes`.
"""
