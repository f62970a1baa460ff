"""Function URLs: an HTTP request becomes an invocation, and its result an HTTP response."""
