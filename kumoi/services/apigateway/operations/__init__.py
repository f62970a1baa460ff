"""The control plane of REST APIs, a file per kind of thing."""
