"""The Velocity Template Language: what mapping templates of API Gateway and resolvers of AppSync are written in.

`parser.py` reads a template (expressions in `expressions.py`) into the nodes of `nodes.py`, `compiler.py` makes
functions of them, and a `Run` (`run.py`) holds what one rendering knows and may spend. Values are Python's, and behave
as Java's: `methods.py` has the methods of texts, lists and maps, `values.py` says how they are written,
`operators.py` how they are compared and added. What a host puts into a template's variables are such values and
`Object`s of its own; nothing of Python can be reached from a template.

Why our own: `airspeed`, the library there is, interprets its parse tree without any bound on steps, sizes or the time
of regular expressions, reaches Python's attributes from templates, and differs where Java's maps, numbers and empty
references are written. Rules: Velocity 1.7's user guide and grammar.
"""

from kumoi.vtl.errors import LimitExceeded, VtlError
from kumoi.vtl.run import Limits, Rendered
from kumoi.vtl.template import Template
from kumoi.vtl.values import JsonList, Object

__all__ = ["JsonList", "LimitExceeded", "Limits", "Object", "Rendered", "Template", "VtlError"]
