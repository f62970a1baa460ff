"""What a sandbox can be broken by, on this machine and with this runtime: a cut needs namespaces, a skew our runtime.

A runtime of a function's own, and extensions, speak with Kumoi over the network that a cut takes away, and read the
machine's clock as it is.
"""

from __future__ import annotations

from kumoi.sandbox.interface import Isolation, SandboxSpec


def cannot_break(spec: SandboxSpec, level: Isolation, *, extensions: bool) -> str | None:
    """Why a sandbox cannot be cut off, or its clock not be set off, as its spec asks; None where nothing is in the way.

    `extensions` says whether it has some.
    """
    provided = spec.runtime.startswith("provided")
    if spec.clock_skew and provided:
        return f"the clock of a function of the runtime {spec.runtime} cannot be set off"
    if spec.nameless and level != "namespace":
        return "names can be taken from a function where functions run in namespaces; here they do not"
    if not spec.offline:
        return None
    if level != "namespace":
        return "a function's network can be cut where functions run in namespaces; here they do not"
    if provided or extensions:
        what = "with extensions" if extensions else f"of the runtime {spec.runtime}"
        return f"a function {what} cannot be cut off: it speaks with Lambda over the network"
    return None
