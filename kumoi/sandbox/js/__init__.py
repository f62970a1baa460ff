"""JavaScript contexts in quickjs-ng: small programs of others, called often, with limits of CPU time and memory.

They serve CloudFront Functions and AppSync's resolvers. A context lives on one thread of `contexts.py`; quickjs gives
the GIL back while it runs, so a program that loops stalls nobody but its neighbours on that thread. A program reaches
nothing but what its preludes give it; what it asks of the platform (a promise) is answered between two of its jobs,
because quickjs calls no Python code while a time limit is set.
"""

from kumoi.sandbox.js.context import Answer, JsContext, JsError, JsOutcome
from kumoi.sandbox.js.contexts import JsContexts, Make
from kumoi.sandbox.js.modules import rewritten, words

__all__ = ["Answer", "JsContext", "JsContexts", "JsError", "JsOutcome", "Make", "rewritten", "words"]
