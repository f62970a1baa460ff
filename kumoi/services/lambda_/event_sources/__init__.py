"""Event source mappings: queues and streams whose records start functions.

A mapping is a record (`records.py`); while it is enabled, a poller of it runs (`manager.py`): `queue_poller.py` for
SQS, `stream_poller.py` with one worker a shard for DynamoDB Streams and Kinesis. What a batch looks like to the
function is in `queue_events.py` and `stream_events.py`, which answers count as success in `batch_result.py`.

Rules: "How Lambda processes records from stream and queue-based event sources" of the developer guide.
"""
