"""The gateway: sockets to calls. A listener, HTTP/1.1 connections, routing, identity, and the front that joins them."""
