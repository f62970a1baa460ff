"""Presto's SQL on DuckDB: for IoT Analytics' data sets and Athena.

A statement is parsed as Presto's, refused unless it only reads what it was given, rewritten where DuckDB would answer
something else, and run in a database that can open the files of its tables and nothing more. Everything here blocks:
call it in threads.
"""
