"""Event source mappings: queues and streams whose records start functions.

A mapping is a record (`records.py`); while it is enabled, its source is read (`manager.py`, by `kumoi.event_sources`)
and the batches become invocations (`function_sink.py`).
"""
