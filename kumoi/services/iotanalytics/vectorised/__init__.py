"""Activities that need nothing but the message, as one SQL statement over a batch: much faster than one by one.

What comes out is exactly what `activities/pure.py` makes of the same messages. Where that is not certain, for the
expressions, the types of the attributes or the numbers of this batch, `NotVectorised` is raised, and the messages pass
one by one. `statement.py` puts activities together, `conditions.py` has filters, `numbers.py` arithmetic; `values.py`
computes expressions that SQL has no exact counterpart for, over the columns that they need.
"""

from kumoi.services.iotanalytics.vectorised.batch import Batch, Column, NotVectorised, load
from kumoi.services.iotanalytics.vectorised.statement import Outcome, Statement, as_declared, may_be

__all__ = ["Batch", "Column", "NotVectorised", "Outcome", "Statement", "as_declared", "load", "may_be"]
