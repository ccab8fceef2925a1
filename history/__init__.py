"""ClickHouse, embedded (`chdb://`) or server (`clickhouse://`): what was measured, kept and asked for.

`store` opens and watches it; `schema` is its shape, `upgrades` and `remake` bring what is there to it. Writing:
`recorder` takes results in, `spool` keeps them until `sender` has written them. Reading: `queries` knows the SQL of
every answer, `buckets` and `tiers` decide how a question is read, `reader` runs questions off everybody's path.
`imports`, `ingest` and `backups` are ways in and out beside these; `workbench` runs SQL of analysts. May import
`settings` and `probes`.
"""
