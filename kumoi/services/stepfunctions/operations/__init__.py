"""Step Functions' API, an operation a function."""
