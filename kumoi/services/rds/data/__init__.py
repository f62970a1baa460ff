"""The RDS Data API: statements and transactions by HTTP calls, run by SQLite."""
