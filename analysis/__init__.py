"""What the history means: uptime, forecasts, capacity, the hours of a week.

`uptime`, `forecast` and `hours` are pure; `availability` and `capacity` are questions for `history.reader`
that put an answer of the history through them. May import `history`, `probes` and `settings`.
"""
