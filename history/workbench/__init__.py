"""SQL by analysts: what may run, on which client, within which limits.

`guard` decides about a statement with the engine's own parser; `tree` reads the engine's query tree for it and
`functions` is the list of what may be called. `session` opens the client that runs it, `bench` runs statements beside
the pages and stops them. `catalogue` explains the tables, `examples` shows what to ask, `access` decides whether there
is a workbench at all.
"""
