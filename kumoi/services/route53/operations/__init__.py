"""The operations of Route 53's API, a module for each kind of thing."""
