"""What Amplify's client libraries are configured with: `amplify_outputs.json`, and the older `aws-exports`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def amplify_outputs(outputs: Mapping[str, str], region: str, url: str) -> str:
    """The configuration of libraries from version 6 on, out of a stack's outputs."""
    modes = outputs["GraphQLAPIAuthorization"].split(",")
    data: dict[str, Any] = {
        "url": outputs["GraphQLAPIEndpoint"],
        "aws_region": region,
        "default_authorization_type": modes[0],
        "authorization_types": modes[1:],
    }
    if "GraphQLAPIKey" in outputs:
        data["api_key"] = outputs["GraphQLAPIKey"]
    made: dict[str, Any] = {"version": "1.3", "data": data}
    if "UserPoolId" in outputs:
        made["auth"] = {
            "aws_region": region,
            "user_pool_id": outputs["UserPoolId"],
            "user_pool_client_id": outputs["UserPoolClientId"],
            "username_attributes": ["email"],
            "user_verification_types": ["email"],
            "standard_required_attributes": ["email"],
        }
    made["custom"] = {"kumoi_endpoint": url}
    return json.dumps(made, indent=2) + "\n"


def aws_exports(outputs: Mapping[str, str], region: str, url: str) -> str:
    """The module `aws-exports.js`."""
    modes = outputs["GraphQLAPIAuthorization"].split(",")
    made: dict[str, Any] = {
        "aws_project_region": region,
        "aws_appsync_graphqlEndpoint": outputs["GraphQLAPIEndpoint"],
        "aws_appsync_region": region,
        "aws_appsync_authenticationType": modes[0],
    }
    if "GraphQLAPIKey" in outputs:
        made["aws_appsync_apiKey"] = outputs["GraphQLAPIKey"]
    if "UserPoolId" in outputs:
        made |= {
            "aws_cognito_region": region,
            "aws_user_pools_id": outputs["UserPoolId"],
            "aws_user_pools_web_client_id": outputs["UserPoolClientId"],
            "aws_user_pools_endpoint": url,
            "aws_cognito_username_attributes": ["EMAIL"],
        }
    return f"const awsmobile = {json.dumps(made, indent=2)};\n\nexport default awsmobile;\n"
