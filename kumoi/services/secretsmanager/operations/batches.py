"""BatchGetSecretValue: the current values of several secrets, named or filtered."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.errors import bad_parameter
from kumoi.services.secretsmanager.filters import read_filters
from kumoi.services.secretsmanager.operations.describe import all_secrets
from kumoi.services.secretsmanager.operations.values import get_secret_value
from kumoi.services.secretsmanager.pages import page
from kumoi.wire.errors import AwsError


@secretsmanager.operation
async def batch_get_secret_value(
    call: Call,
    SecretIdList: list[str] | None = None,
    Filters: list[dict[str, Any]] | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Up to twenty values; for each that cannot be read its error."""
    if (SecretIdList is None) == (Filters is None):
        raise bad_parameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
    more: dict[str, Any] = {}
    if SecretIdList is None:
        tests = read_filters(Filters or ())
        shown = [one for one in await all_secrets(call) if one.deletes is None and all(test(one) for test in tests)]
        found, more = page(shown, lambda one: (one.created, one.name), NextToken, MaxResults or 20)
        wanted = [one.arn for one in found]
    elif MaxResults is not None or NextToken is not None:
        raise bad_parameter("'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.")
    else:
        wanted = list(dict.fromkeys(SecretIdList))
    values: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    for secret_id in wanted:
        try:
            values.append(await get_secret_value(call, secret_id))
        except AwsError as error:
            errors.append({"SecretId": secret_id, "ErrorCode": error.code, "Message": error.message})
    return {"SecretValues": values, "Errors": errors, **more}
