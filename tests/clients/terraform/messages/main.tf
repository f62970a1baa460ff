# SQS and SNS: queues and topics of both kinds, their policies, subscriptions.

data "aws_caller_identity" "me" {}

resource "aws_sqs_queue" "dead" {
  name = "dead"
}

resource "aws_sqs_queue" "plain" {
  name                       = "plain"
  delay_seconds              = var.changed ? 5 : 0
  max_message_size           = var.changed ? 2048 : 262144
  message_retention_seconds  = var.changed ? 86400 : 345600
  receive_wait_time_seconds  = var.changed ? 10 : 0
  visibility_timeout_seconds = var.changed ? 60 : 30
  sqs_managed_sse_enabled    = var.changed
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = var.changed ? 3 : 4 })
  tags                       = { a = var.changed ? "1" : "2" }
}

resource "aws_sqs_queue" "kms" {
  name_prefix                       = "kms"
  kms_master_key_id                 = "alias/aws/sqs"
  kms_data_key_reuse_period_seconds = var.changed ? 600 : 300
}

resource "aws_sqs_queue" "fifo" {
  name                        = "f.fifo"
  fifo_queue                  = true
  content_based_deduplication = var.changed
  deduplication_scope         = var.changed ? "messageGroup" : "queue"
  fifo_throughput_limit       = var.changed ? "perMessageGroupId" : "perQueue"
}

resource "aws_sqs_queue" "inline" {
  name   = "inline"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "x", Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = "*", Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.t.arn } } }] })
}

resource "aws_sqs_queue_policy" "p" {
  queue_url = aws_sqs_queue.plain.id
  policy    = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = var.changed ? "two" : "one", Effect = "Allow", Principal = { Service = "sns.amazonaws.com" }, Action = "sqs:SendMessage", Resource = aws_sqs_queue.plain.arn }] })
}

resource "aws_sqs_queue" "r" { name = "r" }

resource "aws_sqs_queue_redrive_policy" "r" {
  queue_url      = aws_sqs_queue.r.id
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = var.changed ? 3 : 4 })
}

resource "aws_sqs_queue_redrive_allow_policy" "r" {
  queue_url            = aws_sqs_queue.dead.id
  redrive_allow_policy = jsonencode({ redrivePermission = var.changed ? "allowAll" : "byQueue", sourceQueueArns = var.changed ? null : [aws_sqs_queue.r.arn, aws_sqs_queue.plain.arn] })
}

data "aws_sqs_queue" "q" {
  name = aws_sqs_queue.plain.name
}

data "aws_sqs_queues" "q" {
  queue_name_prefix = "some-"
  depends_on        = [aws_sqs_queue.r]
}

resource "aws_iam_role" "f" {
  name               = "feedback"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "sns.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_sns_topic" "t" {
  name                                  = "topic"
  display_name                          = var.changed ? "one" : "two"
  delivery_policy                       = jsonencode({ http = { defaultHealthyRetryPolicy = { minDelayTarget = 20, maxDelayTarget = 20, numRetries = 3, numMaxDelayRetries = 0, numNoDelayRetries = 0, numMinDelayRetries = 0, backoffFunction = "linear" }, disableSubscriptionOverrides = false, defaultThrottlePolicy = { maxReceivesPerSecond = var.changed ? 1 : 2 } } })
  kms_master_key_id                     = var.changed ? null : "alias/aws/sns"
  signature_version                     = var.changed ? 2 : 1
  tracing_config                        = var.changed ? "Active" : "PassThrough"
  lambda_success_feedback_role_arn      = aws_iam_role.f.arn
  lambda_failure_feedback_role_arn      = aws_iam_role.f.arn
  lambda_success_feedback_sample_rate   = var.changed ? 50 : 100
  sqs_success_feedback_role_arn         = aws_iam_role.f.arn
  http_failure_feedback_role_arn        = aws_iam_role.f.arn
  application_success_feedback_role_arn = aws_iam_role.f.arn
  firehose_success_feedback_role_arn    = aws_iam_role.f.arn
  tags                                  = { a = var.changed ? "1" : "2" }
}

resource "aws_sns_topic" "fifo" {
  name                        = "t.fifo"
  fifo_topic                  = true
  content_based_deduplication = var.changed
  fifo_throughput_scope       = var.changed ? "MessageGroup" : "Topic"
}

resource "aws_sns_topic" "pre" { name_prefix = "p" }

resource "aws_sns_topic_policy" "p" {
  arn    = aws_sns_topic.t.arn
  policy = data.aws_iam_policy_document.p.json
}

data "aws_iam_policy_document" "p" {
  policy_id = "__default_policy_ID"
  statement {
    sid       = var.changed ? "b" : "a"
    effect    = "Allow"
    actions   = ["SNS:Publish", "SNS:Subscribe"]
    resources = [aws_sns_topic.t.arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com", "s3.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "AWS:SourceOwner"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
}

resource "aws_sns_topic_data_protection_policy" "p" {
  arn = aws_sns_topic.pre.arn
  policy = jsonencode({
    Description = "x", Name = "__example", Version = "2021-06-01"
    Statement   = [{ DataDirection = "Inbound", DataIdentifier = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"], Operation = { Deny = {} }, Principal = ["*"], Sid = "s" }]
  })
}

resource "aws_sns_topic_subscription" "q" {
  topic_arn            = aws_sns_topic.t.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.plain.arn
  raw_message_delivery = var.changed
  filter_policy        = jsonencode({ kind = var.changed ? ["a", "b"] : ["a"], n = [{ numeric = [">", 1] }] })
  filter_policy_scope  = var.changed ? "MessageBody" : "MessageAttributes"
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn })
}

resource "aws_sns_topic_subscription" "f" {
  topic_arn = aws_sns_topic.fifo.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.fifo.arn
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.t.arn
  protocol  = "email"
  endpoint  = "a@example.com"
}

resource "aws_sns_topic_subscription" "sms" {
  topic_arn = aws_sns_topic.t.arn
  protocol  = "sms"
  endpoint  = "+12065550100"
}

resource "aws_sns_topic_subscription" "http" {
  topic_arn                       = aws_sns_topic.t.arn
  protocol                        = "https"
  endpoint                        = "https://127.0.0.1:9/x"
  delivery_policy                 = jsonencode({ healthyRetryPolicy = { minDelayTarget = 20, maxDelayTarget = 20, numRetries = var.changed ? 3 : 4, numMaxDelayRetries = 0, numNoDelayRetries = 0, numMinDelayRetries = 0, backoffFunction = "linear" } })
  confirmation_timeout_in_minutes = 1
  endpoint_auto_confirms          = false
}

resource "aws_sns_platform_application" "g" {
  name                = "gcm"
  platform            = "GCM"
  platform_credential = "key"
}

resource "aws_sns_sms_preferences" "p" {
  monthly_spend_limit = var.changed ? 1 : 2
  default_sms_type    = "Promotional"
}

data "aws_sns_topic" "t" { name = aws_sns_topic.t.name }
