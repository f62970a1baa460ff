"""Amazon SQS: standard queues.

A message is a record under its queue and sequence number; a small index row under the time it becomes visible is all
that receiving reads and moves, so that its cost does not grow with the queue. Long polls wake on writes.

Rules: the SQS API reference and developer guide.
"""

from kumoi.doorway import Service

sqs = Service("sqs", __name__, modules=("operations.messages", "operations.queues"), resource=("QueueUrl", "QueueName"))


@sqs.resource_name
def queue_node(value: str) -> str:
    """The queue's name, out of its URL or ARN."""
    return value.replace(":", "/").rsplit("/", 1)[-1]
