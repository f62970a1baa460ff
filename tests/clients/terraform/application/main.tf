# A small application: a function behind an HTTP API, a REST API and a state machine, users, and a distribution in front.
locals {
  greeting = var.changed ? "Good day" : "Hello"
  trust = {
    for service in ["lambda", "apigateway", "states"] : service => jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "${service}.amazonaws.com" } }]
    })
  }
}

resource "aws_iam_role" "all" {
  for_each           = local.trust
  name               = "application-${each.key}"
  assume_role_policy = each.value
}

resource "aws_iam_role_policy" "invoke" {
  name = "invoke"
  role = aws_iam_role.all["states"].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = "${aws_lambda_function.greeter.arn}:*" }]
  })
}

# The function.

resource "aws_lambda_function" "greeter" {
  function_name    = "greeter"
  role             = aws_iam_role.all["lambda"].arn
  runtime          = "python3.11"
  handler          = "greeter.handler"
  filename         = "greeter.zip"
  source_code_hash = filebase64sha256("greeter.zip")
  publish          = true
  memory_size      = var.changed ? 256 : 128
  environment {
    variables = { GREETING = local.greeting }
  }
  tags = { changed = tostring(var.changed) }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.greeter.function_name
  function_version = aws_lambda_function.greeter.version
  description      = local.greeting
}

resource "aws_lambda_permission" "apis" {
  for_each      = { http = aws_apigatewayv2_api.http.execution_arn, rest = aws_api_gateway_rest_api.rest.execution_arn }
  statement_id  = each.key
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.greeter.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${each.value}/*"
}

# Users.

resource "aws_cognito_user_pool" "users" {
  name = "users"
  password_policy {
    minimum_length    = var.changed ? 12 : 10
    require_lowercase = true
    require_numbers   = true
    require_uppercase = true
  }
  tags = { changed = tostring(var.changed) }
}

resource "aws_cognito_user_pool_client" "web" {
  name                   = "web"
  user_pool_id           = aws_cognito_user_pool.users.id
  explicit_auth_flows    = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
  refresh_token_validity = var.changed ? 20 : 30
}

resource "aws_cognito_user" "ada" {
  user_pool_id = aws_cognito_user_pool.users.id
  username     = "ada"
  password     = "Analytical1843"
  attributes   = { email = var.changed ? "ada@example.org" : "ada@example.com", email_verified = "true" }
}

# The HTTP API: everybody may greet, users only may greet at /private.

resource "aws_apigatewayv2_api" "http" {
  name          = "http"
  protocol_type = "HTTP"
  description   = local.greeting
}

resource "aws_apigatewayv2_integration" "greeter" {
  api_id                 = aws_apigatewayv2_api.http.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live.invoke_arn
  integration_method     = "POST"
  payload_format_version = "2.0"
  timeout_milliseconds   = var.changed ? 20000 : 10000
}

resource "aws_apigatewayv2_authorizer" "users" {
  api_id           = aws_apigatewayv2_api.http.id
  name             = "users"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  jwt_configuration {
    issuer   = "https://${aws_cognito_user_pool.users.endpoint}"
    audience = [aws_cognito_user_pool_client.web.id]
  }
}

resource "aws_apigatewayv2_route" "public" {
  api_id    = aws_apigatewayv2_api.http.id
  route_key = "GET /greet"
  target    = "integrations/${aws_apigatewayv2_integration.greeter.id}"
}

resource "aws_apigatewayv2_route" "private" {
  api_id             = aws_apigatewayv2_api.http.id
  route_key          = "GET /private"
  target             = "integrations/${aws_apigatewayv2_integration.greeter.id}"
  authorization_type = "JWT"
  authorizer_id      = aws_apigatewayv2_authorizer.users.id
}

resource "aws_apigatewayv2_stage" "http" {
  api_id          = aws_apigatewayv2_api.http.id
  name            = "$default"
  auto_deploy     = true
  stage_variables = var.changed ? { second = "b" } : { first = "a" }
  tags            = { changed = tostring(var.changed) }
}

# The REST API, by its own resources.

resource "aws_api_gateway_rest_api" "rest" {
  name        = "rest"
  description = local.greeting
  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_rest_api_policy" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "execute-api:Invoke"
      Resource  = "${aws_api_gateway_rest_api.rest.execution_arn}/${var.changed ? "*/GET/*" : "*"}"
    }]
  })
}

resource "aws_api_gateway_resource" "greet" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_rest_api.rest.root_resource_id
  path_part   = "greet"
}

resource "aws_api_gateway_method" "greet" {
  rest_api_id      = aws_api_gateway_rest_api.rest.id
  resource_id      = aws_api_gateway_resource.greet.id
  http_method      = "GET"
  authorization    = "NONE"
  api_key_required = true
}

resource "aws_api_gateway_integration" "greet" {
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = aws_api_gateway_resource.greet.id
  http_method             = aws_api_gateway_method.greet.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_alias.live.invoke_arn
}

resource "aws_api_gateway_documentation_part" "greet" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  properties  = jsonencode({ description = local.greeting })
  location {
    type   = "METHOD"
    method = "GET"
    path   = "/greet"
  }
}

resource "aws_api_gateway_documentation_version" "one" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  version     = "1"
  description = local.greeting
  depends_on  = [aws_api_gateway_documentation_part.greet]
}

resource "aws_api_gateway_client_certificate" "backend" {
  description = local.greeting
}

resource "aws_api_gateway_deployment" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  depends_on  = [aws_api_gateway_integration.greet]
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id           = aws_api_gateway_rest_api.rest.id
  deployment_id         = aws_api_gateway_deployment.rest.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.backend.id
  documentation_version = aws_api_gateway_documentation_version.one.version
  variables             = var.changed ? { second = "b" } : { first = "a" }
}

resource "aws_api_gateway_api_key" "ada" {
  name        = "ada"
  description = local.greeting
}

resource "aws_api_gateway_usage_plan" "few" {
  name = "few"
  api_stages {
    api_id = aws_api_gateway_rest_api.rest.id
    stage  = aws_api_gateway_stage.live.stage_name
  }
  quota_settings {
    limit  = var.changed ? 200 : 100
    period = "DAY"
  }
}

resource "aws_api_gateway_usage_plan_key" "ada" {
  key_id        = aws_api_gateway_api_key.ada.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.few.id
}

# The state machine.

resource "aws_sfn_state_machine" "greet" {
  name     = "greet"
  role_arn = aws_iam_role.all["states"].arn
  type     = "EXPRESS"
  publish  = true
  definition = jsonencode({
    Comment = local.greeting
    StartAt = "Greet"
    States = {
      Greet = { Type = "Task", Resource = aws_lambda_alias.live.arn, OutputPath = "$.body", End = true }
    }
  })
}

resource "aws_sfn_alias" "live" {
  name = "live"
  routing_configuration {
    state_machine_version_arn = aws_sfn_state_machine.greet.state_machine_version_arn
    weight                    = 100
  }
}

# The distribution.

resource "aws_s3_bucket" "pages" {
  bucket_prefix = "pages-"
  force_destroy = true
}

resource "aws_s3_object" "index" {
  bucket       = aws_s3_bucket.pages.id
  key          = "index.html"
  content      = local.greeting
  content_type = "text/html"
}

resource "aws_cloudfront_origin_access_control" "pages" {
  name                              = "pages"
  description                       = local.greeting
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_function" "header" {
  name    = "header"
  runtime = "cloudfront-js-2.0"
  comment = local.greeting
  code    = <<-EOT
    function handler(event) {
      event.response.headers['x-greeting'] = { value: '${local.greeting}' };
      return event.response;
    }
  EOT
}

data "aws_cloudfront_cache_policy" "disabled" {
  name = "Managed-CachingDisabled"
}

resource "aws_cloudfront_distribution" "pages" {
  enabled             = true
  comment             = local.greeting
  default_root_object = "index.html"
  wait_for_deployment = false
  origin {
    origin_id                = "pages"
    domain_name              = aws_s3_bucket.pages.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.pages.id
  }
  default_cache_behavior {
    target_origin_id       = "pages"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    viewer_protocol_policy = "allow-all"
    compress               = var.changed
    cache_policy_id        = data.aws_cloudfront_cache_policy.disabled.id
    function_association {
      event_type   = "viewer-response"
      function_arn = aws_cloudfront_function.header.arn
    }
  }
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    cloudfront_default_certificate = true
  }
}

resource "aws_s3_bucket_policy" "pages" {
  bucket = aws_s3_bucket.pages.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudfront.amazonaws.com" }
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.pages.arn}/*"
      Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.pages.arn } }
    }]
  })
}

output "http_api" { value = aws_apigatewayv2_api.http.api_endpoint }
output "rest_api" { value = aws_api_gateway_rest_api.rest.id }
output "client" { value = aws_cognito_user_pool_client.web.id }
output "state_machine" { value = aws_sfn_alias.live.arn }
output "distribution" { value = aws_cloudfront_distribution.pages.domain_name }
output "key" {
  value     = aws_api_gateway_api_key.ada.value
  sensitive = true
}
