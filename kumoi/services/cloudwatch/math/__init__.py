"""Metric math: expressions over time series (`parser.py` reads them, `evaluation.py` computes)."""
