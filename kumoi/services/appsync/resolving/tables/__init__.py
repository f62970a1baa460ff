"""DynamoDB tables as data sources: the requests that programs make of them, versions, conflicts and Sync.

`requests.py` has the ways in. Source: "AppSync resolver mapping template reference for DynamoDB", and "Versioned data
sources" and "Conflict detection and sync" of the developer guide.
"""
