"""What a call costs on AWS, roughly: list prices of us-east-1 in US dollars, for where the money goes, not for bills.

Free tiers and volume discounts are left out.
"""

from __future__ import annotations

from kumoi.doorway import Hop

AS_OF = "2025-06"
"""The month that the prices are of."""

_UNITS = {
    ("lambda", "lambda:GB-second"): 0.0000166667,
    ("dynamodb", "read_units"): 0.125e-6,
    ("dynamodb", "write_units"): 0.625e-6,
    ("sns", "publishes"): 0.5e-6,
    ("events", "custom_events"): 1e-6,
    ("kinesis", "put_units"): 0.014e-6,
    ("apigatewayv2", "websocket_messages"): 1e-6,
    ("iotanalytics", "messages"): 1e-6,
}
_REQUESTS = {
    ("lambda", "Invoke"): 0.2e-6,
    ("lambda", "lambda-url"): 0.0,
    ("apigatewayv2", "execute-api"): 1e-6,
    ("apigateway", "execute-api"): 3.5e-6,
    ("cloudfront", "cloudfront-edge"): 1e-6,
    ("appsync", "appsync-api"): 4e-6,
    ("stepfunctions", "StartExecution"): 25e-6,
    ("stepfunctions", "StartSyncExecution"): 1e-6,
    ("iot", "iot-mqtt"): 1e-6,
}
_EACH = {"sqs": 0.4e-6, "secretsmanager": 5e-6}
_S3_WRITES = ("Put", "Copy", "List", "Create", "Complete", "Upload")


def cost_of_asking(hop: Hop) -> float:
    """The list price in dollars of one call, for who calls: a state machine's are a transition each."""
    return 25e-6 if hop.source.startswith("stepfunctions:") else 0.0


def cost_of(hop: Hop) -> float:
    """The list price in dollars of one call, for what is called."""
    service, operation = hop.service, hop.operation
    found = _REQUESTS.get((service, operation), _EACH.get(service, 0.0)) * hop.units.get("requests", 1)
    if service == "s3":
        found = 5e-6 if operation.startswith(_S3_WRITES) else 0.4e-6
    for unit, amount in hop.units.items():
        price = _UNITS.get((service, unit))
        if price is not None:
            found += price * amount
    return found
