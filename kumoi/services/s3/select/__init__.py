"""S3 Select: a query over one object, CSV, JSON or Parquet, its answer a stream of events.

`dialect.py` reads the SQL, `expressions.py` and `functions.py` say it anew in DuckDB's words (nothing of a client's
text reaches DuckDB unread), `sources.py` turns the object into a table function, `engine.py` runs the query in threads
over that one file and no other, and `output.py` writes its rows. Rules: "SQL reference for Amazon S3 Select" and
SelectObjectContent in the S3 documentation.
"""
