"""Running queries: documents, fields, and errors as AppSync shows them."""
