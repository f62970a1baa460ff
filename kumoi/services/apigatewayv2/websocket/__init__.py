"""The data plane of WebSocket APIs.

`plane.py` answers handshakes and messages; `session.py` holds a connection from its handshake to its end;
`occasion.py` is one event of a connection as functions and access logs see it; `selection.py` says which route a
message takes; `authorizers.py` who may connect; `integrations.py` what stands behind routes; `templates.py` how
bodies are rewritten.

Rules: "Working with WebSocket APIs" of the API Gateway developer guide.
"""
