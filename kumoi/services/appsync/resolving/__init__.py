"""Resolving fields: what programs know, how they are run, and the data sources they ask."""
