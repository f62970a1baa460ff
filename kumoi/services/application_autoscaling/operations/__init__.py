"""Application Auto Scaling's API operations, one file per family."""
