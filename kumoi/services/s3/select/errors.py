"""The errors of S3 Select, by name; their texts are AWS's. Source: "List of SELECT object content error codes"."""

from __future__ import annotations

from kumoi.wire.errors import AwsError, aws_error

_TEXTS = {
    "CSVParsingError": "Encountered an error parsing the CSV file. Check the file and try again.",
    "CastFailed": "Attempt to convert from one data type to another using CAST failed in the SQL expression.",
    "EmptyRequestBody": "Request body cannot be empty.",
    "EvaluatorInvalidArguments": "Incorrect number of arguments in the function call in the SQL expression.",
    "ExpressionTooLong": "The SQL expression is too long: The maximum byte-length for the SQL expression is 256 KB.",
    "InvalidCompressionFormat": "The file is not in a supported compression format. Only GZIP and BZIP2 are supported.",
    "InvalidDataSource": "Invalid data source type. Only CSV, JSON, and Parquet are supported.",
    "InvalidExpressionType": "The ExpressionType is invalid. Only SQL expressions are supported.",
    "InvalidFileHeaderInfo": "The FileHeaderInfo is invalid. Only NONE, USE, and IGNORE are supported.",
    "InvalidJsonType": "The JsonType is invalid. Only DOCUMENT and LINES are supported.",
    "InvalidQuoteFields": "The QuoteFields is invalid. Only ALWAYS and ASNEEDED are supported.",
    "InvalidScanRange": "The provided scan range is invalid.",
    "InvalidTextEncoding": "Invalid encoding type. Only UTF-8 encoding is supported.",
    "JSONParsingError": "Encountered an error parsing the JSON file. Check the file and try again.",
    "MissingHeaders": "Some headers in the query are missing from the file. Check the file and try again.",
    "MissingRequiredParameter": "The SelectRequest entity is missing a required parameter. Check the service"
    " documentation and try again.",
    "ObjectSerializationConflict": "The SelectRequest entity can only contain one of CSV or JSON. Check the service"
    " documentation and try again.",
    "ParquetParsingError": "Error parsing Parquet file. Please check the file and try again.",
    "ParseInvalidTypeParam": "The SQL expression contains an invalid parameter value.",
    "ParseUnexpectedToken": "The SQL expression contains an unexpected token.",
    "TruncatedInput": "Object decompression failed. Check that the object is properly compressed using the format"
    " specified in the request.",
    "UnsupportedFunction": "Encountered an unsupported SQL function.",
    "UnsupportedSqlOperation": "Encountered an unsupported SQL operation.",
    "UnsupportedSqlStructure": "Encountered an unsupported SQL structure. Check the SQL Reference.",
}


def select_error(code: str, beside: str = "") -> AwsError:
    """An error by its name; `beside` says what of the request it is about."""
    text = _TEXTS[code]
    return aws_error(code, f"{text} ({beside})" if beside else text, status=400)
