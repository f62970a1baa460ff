"""Resource Groups' API operations, one file per family."""
