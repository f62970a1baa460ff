# Mails: identities of both APIs, configuration sets with their event destinations, templates, a contact list.

data "aws_caller_identity" "me" {}

resource "aws_ses_email_identity" "one" {
  email = "tf@one.example"
}

resource "aws_ses_domain_identity" "d" {
  domain = "tf.example"
}

resource "aws_ses_domain_identity_verification" "d" {
  domain = aws_ses_domain_identity.d.id
}

resource "aws_ses_domain_dkim" "d" {
  domain = aws_ses_domain_identity.d.domain
}

resource "aws_ses_domain_mail_from" "d" {
  domain           = aws_ses_domain_identity.d.domain
  mail_from_domain = "bounce.tf.example"
}

resource "aws_ses_configuration_set" "c" {
  name = "tf-one"
  delivery_options { tls_policy = "Require" }
  reputation_metrics_enabled = true
}

resource "aws_sns_topic" "t" {
  name = "tf-mails"
}

resource "aws_ses_event_destination" "e" {
  name                   = "sns"
  configuration_set_name = aws_ses_configuration_set.c.name
  enabled                = true
  matching_types         = var.changed ? ["complaint"] : ["bounce", "send"]
  sns_destination { topic_arn = aws_sns_topic.t.arn }
}

resource "aws_ses_event_destination" "m" {
  name                   = "cw"
  configuration_set_name = aws_ses_configuration_set.c.name
  enabled                = true
  matching_types         = ["bounce"]
  cloudwatch_destination {
    default_value  = "d"
    dimension_name = "n"
    value_source   = "emailHeader"
  }
}

resource "aws_ses_identity_notification_topic" "n" {
  topic_arn                = aws_sns_topic.t.arn
  notification_type        = "Bounce"
  identity                 = aws_ses_domain_identity.d.domain
  include_original_headers = true
}

resource "aws_ses_template" "t" {
  name    = "tf-template"
  subject = var.changed ? "Dear {{name}}" : "Hi {{name}}"
  html    = "<h1>{{name}}</h1>"
  text    = "{{name}}"
}

resource "aws_ses_identity_policy" "p" {
  identity = aws_ses_domain_identity.d.arn
  name     = "p"
  policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "ses:SendEmail", Resource = aws_ses_domain_identity.d.arn }] })
}

resource "aws_sesv2_email_identity" "v2" {
  email_identity         = "v2.tf.example"
  configuration_set_name = aws_sesv2_configuration_set.v2.configuration_set_name
  tags                   = { a = "b" }
}

resource "aws_sesv2_email_identity" "addr" {
  email_identity = "me@v2addr.example"
}

resource "aws_sesv2_email_identity_feedback_attributes" "f" {
  email_identity           = aws_sesv2_email_identity.v2.email_identity
  email_forwarding_enabled = var.changed
}

resource "aws_sesv2_email_identity_mail_from_attributes" "f" {
  email_identity         = aws_sesv2_email_identity.v2.email_identity
  behavior_on_mx_failure = "REJECT_MESSAGE"
  mail_from_domain       = "sub.v2.tf.example"
}

resource "aws_sesv2_email_identity_policy" "p" {
  email_identity = aws_sesv2_email_identity.v2.email_identity
  policy_name    = "p"
  policy         = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "ses:SendEmail", Resource = "*" }] })
}

resource "aws_sesv2_configuration_set" "v2" {
  configuration_set_name = "tf-two"
  delivery_options { tls_policy = var.changed ? "OPTIONAL" : "REQUIRE" }
  reputation_options { reputation_metrics_enabled = false }
  sending_options { sending_enabled = true }
  suppression_options { suppressed_reasons = var.changed ? ["COMPLAINT"] : ["BOUNCE"] }
  tracking_options { custom_redirect_domain = "links.tf.example" }
  tags = { a = "b" }
}

resource "aws_sesv2_configuration_set_event_destination" "e" {
  configuration_set_name = aws_sesv2_configuration_set.v2.configuration_set_name
  event_destination_name = "eb"
  event_destination {
    event_bridge_destination { event_bus_arn = "arn:aws:events:us-east-1:${data.aws_caller_identity.me.account_id}:event-bus/default" }
    enabled              = true
    matching_event_types = var.changed ? ["BOUNCE"] : ["SEND", "DELIVERY"]
  }
}

resource "aws_sesv2_contact_list" "l" {
  contact_list_name = "tf-list"
  description       = var.changed ? "e" : "d"
  topic {
    default_subscription_status = "OPT_IN"
    display_name                = "N"
    topic_name                  = "n"
    description                 = "x"
  }
}

resource "aws_sesv2_account_suppression_attributes" "a" {
  suppressed_reasons = ["COMPLAINT"]
}

resource "aws_s3_bucket" "in" {
  bucket_prefix = "tf-mails-"
}

resource "aws_ses_receipt_rule_set" "s" {
  rule_set_name = "tf-set"
}

resource "aws_ses_active_receipt_rule_set" "s" {
  rule_set_name = aws_ses_receipt_rule_set.s.rule_set_name
}

resource "aws_ses_receipt_rule" "store" {
  name          = "store"
  rule_set_name = aws_ses_receipt_rule_set.s.rule_set_name
  recipients    = ["tf.example"]
  enabled       = true
  scan_enabled  = var.changed

  add_header_action {
    header_name  = "X-Seen"
    header_value = "yes"
    position     = 1
  }

  s3_action {
    bucket_name = aws_s3_bucket.in.id
    position    = 2
  }
}

resource "aws_ses_receipt_rule" "stop" {
  name          = "stop"
  rule_set_name = aws_ses_receipt_rule_set.s.rule_set_name
  after         = aws_ses_receipt_rule.store.name

  stop_action {
    scope    = "RuleSet"
    position = 1
  }
}

resource "aws_ses_receipt_filter" "f" {
  name   = "tf-filter"
  cidr   = "10.10.10.10"
  policy = "Block"
}
