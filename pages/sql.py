"""SQL: the tables of the history, asked in the reader's own words; read-only and within limits."""

from functools import partial

from ui import frame, workbench

page = frame.begin("SQL", "What do the rows of the history say to a question of your own?")

if workbench.bench().closed:
    frame.live(page, workbench.closed)
else:
    frame.live(
        page,
        partial(workbench.outcome, page),
        every_s=workbench.pace_s(),
        still=partial(workbench.desk, page),
    )
