"""Errors in Glue's words: pure."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error


def no_entity(text: str) -> AwsError:
    """EntityNotFoundException."""
    return aws_error("EntityNotFoundException", text)


def no_database(name: str) -> AwsError:
    """EntityNotFoundException for a database."""
    return no_entity(f"Database {name} not found.")


def no_table(name: str) -> AwsError:
    """EntityNotFoundException for a table."""
    return no_entity(f"Table {name} not found.")


def exists(text: str) -> AwsError:
    """AlreadyExistsException."""
    return aws_error("AlreadyExistsException", text)


def invalid(text: str) -> AwsError:
    """InvalidInputException."""
    return aws_error("InvalidInputException", text)
