"""Experiments: breaking an application on purpose, and telling what it made of that.

An experiment is a file (`model`, read by `reading`; chaostoolkit's by `chaostoolkit`): what must hold, what is broken,
and which load runs meanwhile. `running` carries it out over the platform's own interface and AWS's; `verdict` and
`judging` say what was seen; `reporting` writes it down, and `replaying` has a run happen again from that. `sweep`
breaks every edge of the map in every way, each time from the same snapshot, and `advice` says by rule what is missing.
"""
