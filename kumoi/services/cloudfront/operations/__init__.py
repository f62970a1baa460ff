"""CloudFront's API operations, one file per family."""
