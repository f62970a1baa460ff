"""DynamoDB Streams: every change of a table's items, in order, kept for 24 hours."""
