"""IAM's API, one file per kind of entity."""
