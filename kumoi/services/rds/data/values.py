"""Values that PostgreSQL refuses."""


class BadValue(ValueError):
    """A value that PostgreSQL would refuse; the text is its error."""
