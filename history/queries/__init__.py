"""Every question the program asks the history, and the only place that knows the SQL of answers.

Each function takes a client and a scope first and hashable arguments after, so that `history.reader`
can run it off everybody's path and remember its answer. Answers are those of `history.answers`.
"""

from history.queries.levels import hours_of_week, known_series, newest, observed, series, summaries
from history.queries.moving import movers
from history.queries.notes import events, events_of, saved_views
from history.queries.past import Past, as_it_was
from history.queries.scope import LIMITS, MAX_SERIES, Scope, scope_of
from history.queries.space import stored
from history.queries.statuses import changes, intervals, last_statuses

__all__ = [
    "LIMITS",
    "MAX_SERIES",
    "Past",
    "Scope",
    "as_it_was",
    "changes",
    "events",
    "events_of",
    "hours_of_week",
    "intervals",
    "known_series",
    "last_statuses",
    "movers",
    "newest",
    "observed",
    "saved_views",
    "scope_of",
    "series",
    "stored",
    "summaries",
]
