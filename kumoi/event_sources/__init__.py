"""Event sources: queues and streams whose records are handed to something else, in batches.

A `Source` says what is read and how (`source.py`); a `Sink` takes the batches: a function (Lambda's event source
mappings) or a pipe (EventBridge Pipes). `Pollers` keeps one poller running for each: `queue_poller.py` for SQS,
`stream_poller.py` with one worker a shard for DynamoDB Streams and Kinesis. They wake on writes; nothing is polled in
vain. What a record looks like is in `queue_events.py` and `stream_events.py`.

Rules: "How Lambda processes records from stream and queue-based event sources" of the Lambda developer guide, and
"Batching and concurrency" of the EventBridge Pipes user guide, which names the same poller.
"""

from kumoi.event_sources.pollers import Pollers
from kumoi.event_sources.sink import ALL, Loss, LostBatch, Outcome, Sink
from kumoi.event_sources.source import Kind, Source, checkpoints

__all__ = ["ALL", "Kind", "Loss", "LostBatch", "Outcome", "Pollers", "Sink", "Source", "checkpoints"]
