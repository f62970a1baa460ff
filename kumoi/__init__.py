"""Kumoi runs serverless applications on one's own machine behind AWS's own wire protocols."""

__version__ = "0.1.0"
