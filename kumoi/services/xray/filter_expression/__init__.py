"""Filter expressions: which traces are meant (`service("api") { fault } AND annotation.user = "ada"`).

`parsing.py` makes a tree of the text and checks keywords and operators, `matching.py` asks a trace. Pure. Source:
"Filter expressions" of the X-Ray developer guide.
"""

from kumoi.services.xray.filter_expression.matching import Groups, matches
from kumoi.services.xray.filter_expression.parsing import FilterError, parse

__all__ = ["FilterError", "Groups", "matches", "parse"]
