"""OTLP/HTTP."""
