"""What runs on the other side of the fork: zygote, keeper and Python runtime.

These modules run under whatever CPython (3.8 or newer) a function asks for, which knows nothing of Kumoi: they
use the standard library only and are loaded by path as the package `_kumoi` (see `__main__.py`), so that none of
their names can hide a user's module.

    Kumoi ── control socket ──▶ zygote ── fork ──▶ keeper (one per sandbox: isolation, /tmp) ── fork ──▶ runtime
"""
