"""Cloud Control's API operations, one file per family."""
