"""SQS' API, one file per family of operations."""
