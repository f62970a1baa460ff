# CloudWatch and CloudWatch Logs.

data "aws_caller_identity" "me" {}

resource "aws_cloudwatch_metric_alarm" "a" {
  alarm_name                = "alarm"
  alarm_description         = var.changed ? "a" : "b"
  comparison_operator       = "GreaterThanOrEqualToThreshold"
  evaluation_periods        = var.changed ? 3 : 2
  datapoints_to_alarm       = 2
  metric_name               = "Errors"
  namespace                 = "AWS/Lambda"
  period                    = 120
  statistic                 = "Sum"
  threshold                 = var.changed ? 5 : 80
  treat_missing_data        = "notBreaching"
  dimensions                = { FunctionName = "x" }
  alarm_actions             = [aws_sns_topic.t.arn]
  ok_actions                = [aws_sns_topic.t.arn]
  insufficient_data_actions = []
  actions_enabled           = !var.changed
  unit                      = "Count"
  tags                      = { a = var.changed ? "1" : "2" }
}

resource "aws_cloudwatch_metric_alarm" "p" {
  alarm_name                            = "pct"
  comparison_operator                   = "LessThanThreshold"
  evaluation_periods                    = 1
  metric_name                           = "Duration"
  namespace                             = "AWS/Lambda"
  period                                = 60
  extended_statistic                    = "p99"
  threshold                             = 1.5
  evaluate_low_sample_count_percentiles = "ignore"
}

resource "aws_cloudwatch_metric_alarm" "m" {
  alarm_name          = "math"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  threshold           = 10
  metric_query {
    id          = "e1"
    expression  = "m2/m1*100"
    label       = "Error Rate"
    return_data = true
  }
  metric_query {
    id = "m1"
    metric {
      metric_name = "RequestCount"
      namespace   = "x"
      period      = 120
      stat        = "Sum"
      unit        = "Count"
      dimensions  = { a = "b" }
    }
  }
  metric_query {
    id = "m2"
    metric {
      metric_name = "E"
      namespace   = "x"
      period      = 120
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "c" {
  alarm_name        = "comp"
  alarm_description = var.changed ? "a" : "b"
  alarm_rule        = "ALARM(${aws_cloudwatch_metric_alarm.a.alarm_name}) OR ALARM(${aws_cloudwatch_metric_alarm.p.alarm_name})"
  actions_enabled   = false
  alarm_actions     = [aws_sns_topic.t.arn]
  tags              = { a = var.changed ? "1" : "2" }
}

resource "aws_sns_topic" "t" { name = "alarms" }

resource "aws_cloudwatch_dashboard" "d" {
  dashboard_name = "dash"
  dashboard_body = jsonencode({ widgets = [{ type = "text", x = 0, y = 7, width = 3, height = 3, properties = { markdown = var.changed ? "hi" : "ho" } }] })
}

resource "aws_cloudwatch_log_group" "g" {
  name              = "/shop/g"
  retention_in_days = var.changed ? 7 : 14
  tags              = { a = var.changed ? "1" : "2" }
}

resource "aws_cloudwatch_log_group" "p" {
  name_prefix = "/shop/p"
}

resource "aws_cloudwatch_log_group" "ia" {
  name            = "/shop/ia"
  log_group_class = "INFREQUENT_ACCESS"
  skip_destroy    = false
}

resource "aws_cloudwatch_log_stream" "s" {
  name           = "st"
  log_group_name = aws_cloudwatch_log_group.g.name
}

resource "aws_cloudwatch_log_metric_filter" "f" {
  name           = "f"
  pattern        = var.changed ? "ERROR" : "WARN"
  log_group_name = aws_cloudwatch_log_group.g.name
  metric_transformation {
    name          = "E"
    namespace     = "N"
    value         = var.changed ? "2" : "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "d" {
  name           = "d"
  pattern        = "{ $.a = * }"
  log_group_name = aws_cloudwatch_log_group.g.name
  metric_transformation {
    name       = "E"
    namespace  = "N"
    value      = "$.v"
    dimensions = { a = "$.a" }
  }
}

resource "aws_kinesis_stream" "s" {
  name        = "cw"
  shard_count = 1
}

resource "aws_iam_role" "r" {
  name               = "cw"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "logs.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "r" {
  role   = aws_iam_role.r.id
  name   = "x"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
}

resource "aws_cloudwatch_log_subscription_filter" "s" {
  depends_on      = [aws_iam_role_policy.r]
  name            = "s"
  role_arn        = aws_iam_role.r.arn
  log_group_name  = aws_cloudwatch_log_group.g.name
  filter_pattern  = var.changed ? "ERROR" : ""
  destination_arn = aws_kinesis_stream.s.arn
  distribution    = var.changed ? "Random" : "ByLogStream"
}

resource "aws_cloudwatch_log_destination" "d" {
  depends_on = [aws_iam_role_policy.r]
  name       = "d"
  role_arn   = aws_iam_role.r.arn
  target_arn = aws_kinesis_stream.s.arn
  tags       = { a = var.changed ? "1" : "2" }
}

resource "aws_cloudwatch_log_destination_policy" "d" {
  destination_name = aws_cloudwatch_log_destination.d.name
  access_policy    = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = var.changed ? "a" : "b", Effect = "Allow", Principal = { AWS = data.aws_caller_identity.me.account_id }, Action = "logs:PutSubscriptionFilter", Resource = aws_cloudwatch_log_destination.d.arn }] })
}

resource "aws_cloudwatch_log_resource_policy" "p" {
  policy_name     = "shop"
  policy_document = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = var.changed ? "a" : "b", Effect = "Allow", Principal = { Service = "es.amazonaws.com" }, Action = ["logs:PutLogEvents"], Resource = "arn:aws:logs:*" }] })
}

resource "aws_cloudwatch_query_definition" "q" {
  name            = var.changed ? "shop/q2" : "shop/q"
  log_group_names = [aws_cloudwatch_log_group.g.name]
  query_string    = "fields @timestamp, @message\n| sort @timestamp desc\n| limit ${var.changed ? 20 : 25}\n"
}

resource "aws_cloudwatch_log_data_protection_policy" "p" {
  log_group_name = aws_cloudwatch_log_group.g.name
  policy_document = jsonencode({
    Name      = "x", Version = "2021-06-01"
    Statement = [{ Sid = "Audit", DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"], Operation = { Audit = { FindingsDestination = {} } } }, { Sid = "Redact", DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"], Operation = { Deidentify = { MaskConfig = {} } } }]
  })
}

resource "aws_cloudwatch_log_account_policy" "p" {
  policy_name = "shop"
  policy_type = "DATA_PROTECTION_POLICY"
  policy_document = jsonencode({
    Name      = var.changed ? "a" : "b", Version = "2021-06-01"
    Statement = [{ Sid = "Audit", DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"], Operation = { Audit = { FindingsDestination = {} } } }, { Sid = "Redact", DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"], Operation = { Deidentify = { MaskConfig = {} } } }]
  })
}

resource "aws_cloudwatch_log_index_policy" "i" {
  log_group_name  = aws_cloudwatch_log_group.g.name
  policy_document = jsonencode({ Fields = [var.changed ? "a" : "b"] })
}

data "aws_cloudwatch_log_group" "g" { name = aws_cloudwatch_log_group.g.name }

data "aws_cloudwatch_log_groups" "g" {
  log_group_name_prefix = "/shop"
  depends_on            = [aws_cloudwatch_log_group.g, aws_cloudwatch_log_group.p, aws_cloudwatch_log_group.ia]
}

data "aws_cloudwatch_log_data_protection_policy_document" "d" {
  name = "x"
  statement {
    data_identifiers = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
    operation {
      audit {
        findings_destination {}
      }
    }
  }
  statement {
    data_identifiers = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
    operation {
      deidentify {
        mask_config {}
      }
    }
  }
}
