"""SES's operations: `v1_….py` of the query API, `v2_….py` of the REST API, `mail_planes.py` the mailbox."""
