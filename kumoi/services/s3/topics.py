"""What S3's timers and directories are called, apart from the work, so that a platform starts without loading it."""

LIFECYCLE = "s3.lifecycle"
"""Something may be due in a bucket by its lifecycle rules."""

KEEPING = "s3.keeping"
"""It is time to look for files that nothing refers to."""

RESTORED = "s3.restored"
"""An archived object has come back, or its restored copy goes."""

LATE = "s3.replication-late"
"""A version should have come to its destination by now."""

MEASURING = "s3.replication-metrics"
"""A minute is over in which a bucket was replicated."""

SELECTING = "s3-select"
"""The directory of files that queries over objects are made from."""
