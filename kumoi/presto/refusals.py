"""Queries that are not run."""

from __future__ import annotations


class QueryRefused(Exception):
    """A query was refused, or went wrong while it ran; the text says why."""
