"""What the history means: uptime, forecasts, capacity.

`uptime`, `performance` and `forecast` are pure; `availability` and `capacity` are questions for `history.reader`
that put an answer of the history through them. May import `history`, `probes` and `settings`.
"""
