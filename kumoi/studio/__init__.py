"""Studio's side of the platform: the console's files, and the small JSON and event interface that it reads.

`studio.py` takes the requests, `access.py` says who may ask. `traffic.py` counts what passes each edge, `declared.py`
reads what services are set up to call, `board.py` makes one map of both. `traces.py` finds what belongs together,
`calls.py` passes any operation on. What only looks leaves no trace: it is not on the map that it looks at.
"""

from kumoi.studio.studio import Studio

__all__ = ["Studio"]
