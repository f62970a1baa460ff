"""DynamoDB's API, one module per family."""
