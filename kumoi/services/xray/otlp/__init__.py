"""OpenTelemetry's protocol over HTTP: spans become segments, logs log events, metrics CloudWatch's.

Requests are protobuf or JSON (`decoding.py`); `spans.py`, `logs.py` and `metrics.py` say what becomes of each signal,
as pure functions. Sources: "OTLP Specification 1.9", OpenTelemetry's semantic conventions, and how AWS's Distro for
OpenTelemetry maps spans to segment documents.
"""
