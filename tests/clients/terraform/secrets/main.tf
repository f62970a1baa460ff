# Parameter Store, Secrets Manager with rotation, X-Ray.

data "aws_caller_identity" "me" {}

data "aws_region" "r" {}

data "aws_partition" "p" {}

resource "aws_ssm_parameter" "s" {
  name            = "/shop/string"
  type            = "String"
  value           = var.changed ? "a" : "b"
  description     = var.changed ? "d" : "e"
  allowed_pattern = "^[a-z]$"
  tier            = "Standard"
  tags            = { a = var.changed ? "1" : "2" }
}

resource "aws_ssm_parameter" "secure" {
  name  = "/shop/secure"
  type  = "SecureString"
  value = var.changed ? "a" : "b"
}

resource "aws_ssm_parameter" "wo" {
  name             = "wo"
  type             = "SecureString"
  value_wo         = var.changed ? "a" : "b"
  value_wo_version = var.changed ? 1 : 2
}

resource "aws_ssm_parameter" "list" {
  name           = "list"
  type           = "StringList"
  insecure_value = var.changed ? "a,b" : "b"
  tier           = var.changed ? "Advanced" : "Standard"
}

resource "aws_ssm_parameter" "ami" {
  name      = "it"
  type      = "String"
  tier      = "Intelligent-Tiering"
  value     = "x"
  overwrite = true
}

data "aws_ssm_parameter" "s" { name = aws_ssm_parameter.secure.name }

data "aws_ssm_parameters_by_path" "s" {
  path       = "/shop"
  depends_on = [aws_ssm_parameter.s, aws_ssm_parameter.secure]
}

resource "aws_secretsmanager_secret" "s" {
  name                    = "secret"
  description             = var.changed ? "d" : "e"
  recovery_window_in_days = 0
  tags                    = { a = var.changed ? "1" : "2" }
}

resource "aws_secretsmanager_secret_version" "s" {
  secret_id     = aws_secretsmanager_secret.s.id
  secret_string = jsonencode({ a = var.changed })
}

resource "aws_secretsmanager_secret" "pol" {
  name_prefix             = "some-"
  recovery_window_in_days = 7
  policy                  = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = var.changed ? "a" : "b", Effect = "Allow", Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }, Action = "secretsmanager:GetSecretValue", Resource = "*" }] })
}

resource "aws_secretsmanager_secret_version" "bin" {
  secret_id      = aws_secretsmanager_secret.pol.id
  secret_binary  = base64encode("hi")
  version_stages = var.changed ? ["AWSCURRENT", "x"] : ["AWSCURRENT"]
}

resource "aws_secretsmanager_secret_policy" "s" {
  secret_arn = aws_secretsmanager_secret.s.arn
  policy     = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = var.changed ? "a" : "b", Effect = "Allow", Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }, Action = "secretsmanager:GetSecretValue", Resource = "*" }] })
}

resource "aws_secretsmanager_secret" "repl" {
  name                           = "repl"
  recovery_window_in_days        = 0
  force_overwrite_replica_secret = true
  dynamic "replica" {
    for_each = var.changed ? ["eu-west-1"] : ["eu-west-1", "us-west-2"]
    content { region = replica.value }
  }
}

resource "aws_secretsmanager_secret_version" "wo" {
  secret_id                = aws_secretsmanager_secret.repl.id
  secret_string_wo         = var.changed ? "a" : "b"
  secret_string_wo_version = var.changed ? 2 : 1
}

resource "aws_iam_role" "l" {
  name               = "lambda"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_lambda_function" "rot" {
  function_name = "rotate"
  role          = aws_iam_role.l.arn
  filename      = "rotate.zip"
  handler       = "rotate.handler"
  runtime       = "python3.12"
}

resource "aws_lambda_permission" "sm" {
  function_name = aws_lambda_function.rot.function_name
  action        = "lambda:InvokeFunction"
  principal     = "secretsmanager.amazonaws.com"
}

resource "aws_secretsmanager_secret" "rot" {
  name                    = "rot"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "rot" {
  secret_id     = aws_secretsmanager_secret.rot.id
  secret_string = "first"
}

resource "aws_secretsmanager_secret_rotation" "r" {
  depends_on          = [aws_lambda_permission.sm]
  secret_id           = aws_secretsmanager_secret_version.rot.secret_id
  rotation_lambda_arn = aws_lambda_function.rot.arn
  rotate_immediately  = false
  rotation_rules {
    automatically_after_days = var.changed ? 10 : 30
    duration                 = "3h"
  }
}

resource "aws_secretsmanager_secret_rotation" "r2" {
  depends_on          = [aws_lambda_permission.sm]
  secret_id           = aws_secretsmanager_secret_version.s.secret_id
  rotation_lambda_arn = aws_lambda_function.rot.arn
  rotate_immediately  = false
  rotation_rules { schedule_expression = var.changed ? "rate(10 days)" : "cron(0 16 1 * ? *)" }
}

data "aws_secretsmanager_secret" "s" { name = aws_secretsmanager_secret.s.name }

data "aws_secretsmanager_secret_version" "s" {
  secret_id  = aws_secretsmanager_secret.s.id
  depends_on = [aws_secretsmanager_secret_version.s]
}

data "aws_secretsmanager_secret_versions" "s" {
  secret_id  = aws_secretsmanager_secret.s.id
  depends_on = [aws_secretsmanager_secret_version.s]
}

data "aws_secretsmanager_secrets" "s" {
  filter {
    name   = "name"
    values = ["secret"]
  }
  depends_on = [aws_secretsmanager_secret_version.s]
}

data "aws_secretsmanager_random_password" "p" { password_length = 20 }

resource "aws_xray_group" "g" {
  group_name        = "shop"
  filter_expression = var.changed ? "responsetime > 5" : "responsetime > 4"
  insights_configuration {
    insights_enabled      = true
    notifications_enabled = var.changed
  }
  tags = { a = var.changed ? "1" : "2" }
}

resource "aws_xray_sampling_rule" "r" {
  rule_name      = "shop"
  priority       = var.changed ? 99 : 100
  version        = 1
  reservoir_size = 1
  fixed_rate     = 0.05
  url_path       = "*"
  host           = "*"
  http_method    = "*"
  service_type   = "*"
  service_name   = "*"
  resource_arn   = "*"
  attributes     = { a = "b" }
}

resource "aws_xray_encryption_config" "e" { type = "NONE" }

resource "aws_xray_resource_policy" "p" {
  policy_name                 = "shop"
  policy_document             = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "b", Effect = "Allow", Principal = { Service = "sns.amazonaws.com" }, Action = ["xray:PutTraceSegments"], Resource = "*" }] })
  bypass_policy_lockout_check = true
}
