# EventBridge, Scheduler, Pipes and Kinesis.

data "aws_caller_identity" "me" {}

data "aws_region" "r" {}

locals {
  acc = data.aws_caller_identity.me.account_id
  p   = "arn:aws:%s:us-east-1:${data.aws_caller_identity.me.account_id}:%s"
}

resource "aws_iam_role" "r" {
  name               = "ev"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = ["events.amazonaws.com", "scheduler.amazonaws.com", "pipes.amazonaws.com"] }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "r" {
  role   = aws_iam_role.r.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
}

resource "aws_sqs_queue" "q" { name = "evq" }

resource "aws_sqs_queue" "f" {
  name                        = "evq.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
}

resource "aws_kinesis_stream" "s" {
  name                      = "evs"
  shard_count               = var.changed ? 2 : 1
  retention_period          = var.changed ? 48 : 24
  shard_level_metrics       = var.changed ? ["IncomingBytes", "OutgoingBytes"] : ["IncomingBytes"]
  encryption_type           = "KMS"
  kms_key_id                = "alias/aws/kinesis"
  enforce_consumer_deletion = true
  tags                      = { a = var.changed ? "1" : "2" }
  stream_mode_details { stream_mode = "PROVISIONED" }
}

resource "aws_kinesis_stream" "od" {
  name = "evod"
  stream_mode_details { stream_mode = "ON_DEMAND" }
}

resource "aws_kinesis_stream_consumer" "c" {
  name       = "c"
  stream_arn = aws_kinesis_stream.s.arn
}

resource "aws_kinesis_resource_policy" "p" {
  resource_arn = aws_kinesis_stream.s.arn
  policy       = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = var.changed ? "a" : "b", Effect = "Allow", Principal = { AWS = local.acc }, Action = ["kinesis:GetRecords"], Resource = aws_kinesis_stream.s.arn }] })
}

data "aws_kinesis_stream" "s" { name = aws_kinesis_stream.s.name }

data "aws_kinesis_stream_consumer" "s" {
  stream_arn = aws_kinesis_stream.s.arn
  name       = aws_kinesis_stream_consumer.c.name
}

resource "aws_cloudwatch_log_group" "g" { name = "/aws/events/shop" }

resource "aws_cloudwatch_event_bus" "b" {
  name        = "bus"
  description = var.changed ? "x" : "y"
  tags        = { a = var.changed ? "1" : "2" }
  dead_letter_config { arn = aws_sqs_queue.q.arn }
}

resource "aws_cloudwatch_event_bus_policy" "b" {
  event_bus_name = aws_cloudwatch_event_bus.b.name
  policy         = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = var.changed ? "a" : "b", Effect = "Allow", Principal = { AWS = local.acc }, Action = "events:PutEvents", Resource = aws_cloudwatch_event_bus.b.arn }] })
}

resource "aws_cloudwatch_event_permission" "p" {
  principal    = "123456789012"
  statement_id = "other"
  action       = "events:PutEvents"
}

resource "aws_cloudwatch_event_permission" "org" {
  principal    = "*"
  statement_id = "org"
  condition {
    key   = "aws:PrincipalOrgID"
    type  = "StringEquals"
    value = "o-1234567890"
  }
}

resource "aws_cloudwatch_event_archive" "a" {
  name             = "arch"
  event_source_arn = aws_cloudwatch_event_bus.b.arn
  description      = var.changed ? "d1" : "d2"
  retention_days   = var.changed ? 7 : 0
  event_pattern    = jsonencode({ source = [var.changed ? "a" : "b"] })
}

resource "aws_cloudwatch_event_connection" "k" {
  name               = "key"
  description        = var.changed ? "d1" : "d2"
  authorization_type = "API_KEY"
  auth_parameters {
    api_key {
      key   = "x-signature"
      value = var.changed ? "5678" : "1234"
    }
    invocation_http_parameters {
      body {
        key             = "b"
        value           = "v"
        is_value_secret = false
      }
      header {
        key             = "h"
        value           = "v"
        is_value_secret = true
      }
      query_string {
        key   = "q"
        value = "v"
      }
    }
  }
}

resource "aws_cloudwatch_event_connection" "b" {
  name               = "basic"
  authorization_type = "BASIC"
  auth_parameters {
    basic {
      username = var.changed ? "u2" : "u"
      password = "p"
    }
  }
}

resource "aws_cloudwatch_event_connection" "o" {
  name               = "oauth"
  authorization_type = "OAUTH_CLIENT_CREDENTIALS"
  auth_parameters {
    oauth {
      authorization_endpoint = "https://127.0.0.1:9/token"
      http_method            = "POST"
      client_parameters {
        client_id     = "1"
        client_secret = "s"
      }
      oauth_http_parameters {
        body {
          key             = "k"
          value           = "v"
          is_value_secret = false
        }
      }
    }
  }
}

resource "aws_cloudwatch_event_api_destination" "d" {
  name                             = "dest"
  description                      = var.changed ? "d1" : "d2"
  invocation_endpoint              = "https://127.0.0.1:9/x/*"
  http_method                      = var.changed ? "PUT" : "POST"
  invocation_rate_limit_per_second = 20
  connection_arn                   = aws_cloudwatch_event_connection.k.arn
}

resource "aws_cloudwatch_event_rule" "p" {
  name           = "pattern"
  event_bus_name = aws_cloudwatch_event_bus.b.name
  description    = var.changed ? "d1" : "d2"
  event_pattern  = jsonencode({ source = [var.changed ? "a" : "b"], detail = { n = [{ numeric = [">", 1] }] } })
  state          = var.changed ? "DISABLED" : "ENABLED"
  role_arn       = aws_iam_role.r.arn
  tags           = { a = var.changed ? "1" : "2" }
}

resource "aws_cloudwatch_event_rule" "s" {
  name_prefix         = "sch"
  schedule_expression = var.changed ? "rate(5 minutes)" : "cron(0 20 * * ? *)"
}

resource "aws_cloudwatch_event_rule" "b" {
  name                = "bus"
  schedule_expression = "rate(1 day)"
}

resource "aws_cloudwatch_event_target" "q" {
  rule           = aws_cloudwatch_event_rule.p.name
  event_bus_name = aws_cloudwatch_event_bus.b.name
  target_id      = "q"
  arn            = aws_sqs_queue.q.arn
  input_transformer {
    input_paths    = { a = "$.detail.a", b = "$.detail.b" }
    input_template = var.changed ? "{\"x\": <a>}" : "\"<a> is <b>\""
  }
  dead_letter_config { arn = aws_sqs_queue.q.arn }
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = var.changed ? 2 : 3
  }
}

resource "aws_cloudwatch_event_target" "f" {
  rule = aws_cloudwatch_event_rule.s.name
  arn  = aws_sqs_queue.f.arn
  sqs_target { message_group_id = var.changed ? "a" : "b" }
  input = jsonencode({ a = 1 })
}

resource "aws_cloudwatch_event_target" "k" {
  rule     = aws_cloudwatch_event_rule.s.name
  arn      = aws_kinesis_stream.s.arn
  role_arn = aws_iam_role.r.arn
  kinesis_target { partition_key_path = "$.detail" }
  input_path = "$.detail"
}

resource "aws_cloudwatch_event_target" "l" {
  rule = aws_cloudwatch_event_rule.s.name
  arn  = aws_cloudwatch_log_group.g.arn
}

resource "aws_cloudwatch_event_target" "http" {
  rule           = aws_cloudwatch_event_rule.p.name
  event_bus_name = aws_cloudwatch_event_bus.b.name
  arn            = aws_cloudwatch_event_api_destination.d.arn
  role_arn       = aws_iam_role.r.arn
  http_target {
    path_parameter_values   = ["p"]
    query_string_parameters = { a = "b" }
    header_parameters       = { Env = "Test" }
  }
}

resource "aws_cloudwatch_event_target" "run2" {
  rule     = aws_cloudwatch_event_rule.b.name
  arn      = aws_cloudwatch_event_bus.b.arn
  role_arn = aws_iam_role.r.arn
}

resource "aws_cloudwatch_event_target" "sfn" {
  rule           = aws_cloudwatch_event_rule.p.name
  event_bus_name = aws_cloudwatch_event_bus.b.name
  arn            = format(local.p, "states", "stateMachine:x")
  role_arn       = aws_iam_role.r.arn
}

resource "aws_cloudwatch_event_target" "ecs" {
  rule           = aws_cloudwatch_event_rule.p.name
  event_bus_name = aws_cloudwatch_event_bus.b.name
  arn            = format(local.p, "ecs", "cluster/x")
  role_arn       = aws_iam_role.r.arn
  ecs_target {
    task_count          = 1
    task_definition_arn = format(local.p, "ecs", "task-definition/x:1")
    launch_type         = "FARGATE"
    network_configuration { subnets = ["subnet-1"] }
  }
}

resource "aws_cloudwatch_event_target" "batch" {
  rule     = aws_cloudwatch_event_rule.s.name
  arn      = format(local.p, "batch", "job-queue/x")
  role_arn = aws_iam_role.r.arn
  batch_target {
    job_definition = "d"
    job_name       = "n"
    array_size     = 2
    job_attempts   = 3
  }
}

resource "aws_cloudwatch_event_target" "run" {
  rule     = aws_cloudwatch_event_rule.s.name
  arn      = "arn:aws:ssm:us-east-1::document/AWS-RunShellScript"
  role_arn = aws_iam_role.r.arn
  input    = jsonencode({ commands = ["halt"] })
  run_command_targets {
    key    = "tag:Name"
    values = ["x"]
  }
}

resource "aws_scheduler_schedule_group" "g" {
  name = "g"
  tags = { a = var.changed ? "1" : "2" }
}

resource "aws_scheduler_schedule" "s" {
  name                         = "s"
  group_name                   = aws_scheduler_schedule_group.g.name
  description                  = var.changed ? "1" : "2"
  schedule_expression          = var.changed ? "rate(2 hours)" : "cron(0 3 * * ? *)"
  schedule_expression_timezone = "Europe/Berlin"
  start_date                   = "2030-01-01T01:00:00Z"
  end_date                     = "2031-01-01T01:00:00Z"
  state                        = var.changed ? "DISABLED" : "ENABLED"
  flexible_time_window {
    mode                      = var.changed ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = var.changed ? null : 15
  }
  target {
    arn      = aws_sqs_queue.q.arn
    role_arn = aws_iam_role.r.arn
    input    = jsonencode({ a = var.changed })
    dead_letter_config { arn = aws_sqs_queue.q.arn }
    retry_policy {
      maximum_event_age_in_seconds = 100
      maximum_retry_attempts       = 3
    }
  }
}

resource "aws_scheduler_schedule" "at" {
  name_prefix         = "at"
  schedule_expression = "at(2035-01-01T00:00:00)"
  description         = var.changed ? "a" : "b"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    role_arn = aws_iam_role.r.arn
    input    = jsonencode({ MessageBody = "x", QueueUrl = aws_sqs_queue.q.url })
  }
}

resource "aws_scheduler_schedule" "k" {
  name                = "k"
  schedule_expression = "rate(1 hours)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = aws_kinesis_stream.s.arn
    role_arn = aws_iam_role.r.arn
    kinesis_parameters { partition_key = "x" }
  }
}

resource "aws_scheduler_schedule" "f" {
  name                = "f"
  schedule_expression = "rate(1 hours)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = aws_sqs_queue.f.arn
    role_arn = aws_iam_role.r.arn
    sqs_parameters { message_group_id = "x" }
  }
}

resource "aws_scheduler_schedule" "e" {
  name                = "e"
  schedule_expression = "rate(1 hours)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = aws_cloudwatch_event_bus.b.arn
    role_arn = aws_iam_role.r.arn
    input    = "{}"
    eventbridge_parameters {
      detail_type = "x"
      source      = "y"
    }
  }
}

resource "aws_dynamodb_table" "t" {
  name             = "pipe"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_IMAGE"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_pipes_pipe" "q" {
  depends_on    = [aws_iam_role_policy.r]
  name          = "qk"
  description   = var.changed ? "1" : "2"
  desired_state = var.changed ? "STOPPED" : "RUNNING"
  role_arn      = aws_iam_role.r.arn
  source        = aws_sqs_queue.q.arn
  target        = aws_kinesis_stream.s.arn
  tags          = { a = var.changed ? "1" : "2" }
  source_parameters {
    sqs_queue_parameters {
      batch_size                         = var.changed ? 5 : 10
      maximum_batching_window_in_seconds = 2
    }
    filter_criteria {
      filter {
        pattern = jsonencode({ body = { a = [var.changed ? "b" : "c"] } })
      }
    }
  }
  target_parameters {
    input_template = "{\"x\": <$.body>}"
    kinesis_stream_parameters { partition_key = "p" }
  }
  log_configuration {
    level                  = "INFO"
    include_execution_data = ["ALL"]
    cloudwatch_logs_log_destination { log_group_arn = aws_cloudwatch_log_group.g.arn }
  }
}

resource "aws_pipes_pipe" "d" {
  depends_on = [aws_iam_role_policy.r]
  name       = "db"
  role_arn   = aws_iam_role.r.arn
  source     = aws_dynamodb_table.t.stream_arn
  target     = aws_cloudwatch_event_bus.b.arn
  source_parameters {
    dynamodb_stream_parameters {
      starting_position             = "LATEST"
      batch_size                    = 5
      maximum_retry_attempts        = var.changed ? 3 : 5
      on_partial_batch_item_failure = "AUTOMATIC_BISECT"
      parallelization_factor        = 2
      maximum_record_age_in_seconds = 600
      dead_letter_config { arn = aws_sqs_queue.q.arn }
    }
  }
  target_parameters {
    eventbridge_event_bus_parameters {
      detail_type = "x"
      source      = "y"
      time        = "$.time"
      resources   = ["arn:aws:s3:::x"]
    }
  }
}

resource "aws_pipes_pipe" "k" {
  depends_on  = [aws_iam_role_policy.r]
  name_prefix = "k"
  role_arn    = aws_iam_role.r.arn
  source      = aws_kinesis_stream.od.arn
  target      = aws_sqs_queue.f.arn
  source_parameters {
    kinesis_stream_parameters {
      starting_position                  = "TRIM_HORIZON"
      maximum_batching_window_in_seconds = 3
    }
  }
  target_parameters {
    sqs_queue_parameters {
      message_group_id         = "g"
      message_deduplication_id = "d"
    }
  }
}

resource "aws_pipes_pipe" "log" {
  depends_on = [aws_iam_role_policy.r]
  name       = "log"
  role_arn   = aws_iam_role.r.arn
  source     = aws_sqs_queue.q.arn
  target     = aws_cloudwatch_log_group.g.arn
  target_parameters {
    cloudwatch_logs_parameters {
      timestamp = "$.attributes.SentTimestamp"
    }
  }
}

data "aws_cloudwatch_event_bus" "b" { name = aws_cloudwatch_event_bus.b.name }

data "aws_cloudwatch_event_buses" "b" {
  name_prefix = "shop"
  depends_on  = [aws_cloudwatch_event_bus.b]
}

data "aws_cloudwatch_event_connection" "b" { name = aws_cloudwatch_event_connection.b.name }
