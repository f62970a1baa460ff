"""What S3's timers are for: their topics, apart from the work so that a platform starts without loading it."""

LIFECYCLE = "s3.lifecycle"
"""Something may be due in a bucket by its lifecycle rules."""

KEEPING = "s3.keeping"
"""It is time to look for files that nothing refers to."""

RESTORED = "s3.restored"
"""An archived object has come back, or its restored copy goes."""
