"""SES's operations: `v1_….py` of the query API, `v2_….py` of the REST API, `localstack.py` the form of its tests."""
