"""Templates, pure: reading them (`parsing.py`), their parameters (`parameters.py`), what their functions come to
(`intrinsics.py`), and in which order their resources depend on one another (`graph.py`).

Rules: "Template reference" and "Intrinsic function reference" of the CloudFormation user guide.
"""
