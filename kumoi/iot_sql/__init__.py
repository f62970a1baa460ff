"""The expressions of AWS IoT: the SQL of topic rules, and the filter and math expressions of IoT Analytics' pipelines.

One grammar and one evaluator serve them all. Pure: no state, no calls. Sources: AWS IoT Core developer guide, "AWS IoT
SQL reference"; IoT Analytics user guide, "Pipeline activities".
"""

from kumoi.iot_sql.evaluation import MATH, Evaluate, Library, Scope, compiled
from kumoi.iot_sql.parsing import SqlError, parse_expression, parse_rule
from kumoi.iot_sql.values import UNDEFINED, rendered

__all__ = [
    "MATH",
    "UNDEFINED",
    "Evaluate",
    "Library",
    "Scope",
    "SqlError",
    "compiled",
    "parse_expression",
    "parse_rule",
    "rendered",
]
