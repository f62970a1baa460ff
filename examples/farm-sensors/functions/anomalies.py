"""Says of each reading whether it is out of line with the last ones of its sensor."""

from collections import defaultdict, deque
from statistics import median

REMEMBERED, FAR = 15, 15.0

# What an environment remembers from batch to batch; a new one begins with the first reading that it sees.
last = defaultdict(lambda: deque(maxlen=REMEMBERED))


def handler(messages, context):
    """A batch of the pipeline's messages, each with `anomaly` in it: far from the median of the ones before."""
    for message in sorted(messages, key=lambda one: one["ts"]):
        before = last[message["sensor"]]
        message["anomaly"] = bool(before) and abs(message["temp"] - median(before)) > FAR
        if not message["anomaly"]:
            before.append(message["temp"])
    return messages
