"""CloudWatch Logs' filter patterns: which log events are meant, and what is read out of them.

`parse` tells the four kinds apart by the first character: `{` selects in JSON (`json_events.py`), `[` in fields between
spaces (`fields.py`), `%` is a regular expression (`regex.py`), anything else is terms (`terms.py`).

Rules: the user guide's "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live
Tail", and where it is silent, recorded answers of TestMetricFilter.
"""

from kumoi.services.logs.filter_pattern.pattern import FilterPattern, Match, parse

__all__ = ["FilterPattern", "Match", "parse"]
