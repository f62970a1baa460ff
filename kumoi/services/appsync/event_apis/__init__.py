"""AppSync Events: channels that clients publish to and subscribe to, over HTTP and WebSocket, without a schema.

`operations.py` is the control plane (APIs and channel namespaces). A request (`plane.py`) or a message of a connection
(`conversation.py`) is authorized by what the API or the namespace says (`access.py`), passes the namespace's handlers
(`handlers.py`), and is delivered to those whose channel covers it (`channels.py`) by the hub that subscriptions of
GraphQL use, too.

Rules: the AppSync Events developer guide ("Understanding the Event API WebSocket protocol", "Publish events via HTTP",
"Process real-time events with event handlers", "Data source integrations").
"""
