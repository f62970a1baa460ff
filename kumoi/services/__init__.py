"""One folder per AWS service, all built alike; a service reaches another only by a call through the doorway."""
