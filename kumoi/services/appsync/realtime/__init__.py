"""Subscriptions over WebSocket: AWS's own dialect of the `graphql-ws` subprotocol.

A handshake (`handshake.py`, `plane.py`) becomes a session (`session.py`); its `start` messages become subscriptions
(`starting.py`) with a filter (`filters.py`), kept by the field that feeds them (`hub.py`). A mutation's answer
(`publishing.py`) is matched against them, cut to what each selects (`projection.py`), and sent.

Rules: "Building a real-time WebSocket client", "Using subscriptions for real-time data applications" and "Enhanced
subscription filtering" of the AppSync developer guide.
"""
