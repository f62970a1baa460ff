"""What is wrong with a template, or with what it did."""

from __future__ import annotations


class VtlError(Exception):
    """A template that cannot be read, or that did what it may not."""


class LimitExceeded(VtlError):
    """A template took more steps, or made more text, than it may."""
