# S3: buckets with all that is configured of them, objects, copies.
data "aws_caller_identity" "me" {}

locals {
  account = data.aws_caller_identity.me.account_id
}

data "aws_canonical_user_id" "me" {}

resource "aws_s3_bucket" "b" {
  bucket        = "main-${local.account}"
  force_destroy = true
  tags          = { a = "1", b = var.changed ? "x" : "y" }
}

resource "aws_s3_bucket" "prefix" {
  bucket_prefix = "some-${local.account}-"
}

resource "aws_s3_bucket" "logs" { bucket = "logs-${local.account}" }

resource "aws_s3_bucket" "dest" {
  bucket        = "copies-${local.account}"
  force_destroy = true
}

resource "aws_s3_bucket" "locked" {
  bucket              = "locked-${local.account}"
  object_lock_enabled = true
}

resource "aws_s3_bucket_object_lock_configuration" "l" {
  bucket = aws_s3_bucket.locked.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.changed ? 3 : 5
    }
  }
}

resource "aws_s3_bucket_accelerate_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  status = var.changed ? "Suspended" : "Enabled"
}

resource "aws_s3_bucket_ownership_controls" "b" {
  bucket = aws_s3_bucket.b.id
  rule { object_ownership = var.changed ? "ObjectWriter" : "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_acl" "b" {
  depends_on = [aws_s3_bucket_ownership_controls.b, aws_s3_bucket_public_access_block.b]
  bucket     = aws_s3_bucket.b.id
  acl        = var.changed ? "public-read" : "private"
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule { object_ownership = "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_acl" "logs" {
  depends_on = [aws_s3_bucket_ownership_controls.logs]
  bucket     = aws_s3_bucket.logs.id
  access_control_policy {
    grant {
      grantee {
        id   = data.aws_canonical_user_id.me.id
        type = "CanonicalUser"
      }
      permission = "FULL_CONTROL"
    }
    grant {
      grantee {
        type = "Group"
        uri  = "http://acs.amazonaws.com/groups/s3/LogDelivery"
      }
      permission = var.changed ? "WRITE" : "READ_ACP"
    }
    owner { id = data.aws_canonical_user_id.me.id }
  }
}

resource "aws_s3_bucket_public_access_block" "b" {
  bucket                  = aws_s3_bucket.b.id
  block_public_acls       = false
  block_public_policy     = !var.changed
  ignore_public_acls      = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_cors_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  cors_rule {
    id              = "one"
    allowed_headers = ["*"]
    allowed_methods = ["PUT", "POST"]
    allowed_origins = ["https://example.com"]
    expose_headers  = ["ETag"]
    max_age_seconds = var.changed ? 3000 : 100
  }
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
}

resource "aws_s3_bucket_versioning" "b" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_versioning" "dest" {
  bucket = aws_s3_bucket.dest.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id
  versioning_configuration { status = var.changed ? "Suspended" : "Enabled" }
}

resource "aws_s3_bucket_lifecycle_configuration" "b" {
  depends_on                             = [aws_s3_bucket_versioning.b]
  bucket                                 = aws_s3_bucket.b.id
  transition_default_minimum_object_size = var.changed ? "varies_by_storage_class" : "all_storage_classes_128K"
  rule {
    id     = "logs"
    status = "Enabled"
    filter {
      and {
        prefix                   = "log/"
        tags                     = { rule = "log", autoclean = "true" }
        object_size_greater_than = 500
        object_size_less_than    = 64000
      }
    }
    expiration { days = var.changed ? 100 : 90 }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = 60
      storage_class = "GLACIER"
    }
  }
  rule {
    id     = "versions"
    status = var.changed ? "Disabled" : "Enabled"
    filter { prefix = "config/" }
    noncurrent_version_expiration {
      noncurrent_days           = 90
      newer_noncurrent_versions = 3
    }
    noncurrent_version_transition {
      noncurrent_days = 30
      storage_class   = "STANDARD_IA"
    }
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }
  rule {
    id     = "all"
    status = "Enabled"
    filter {}
    expiration { expired_object_delete_marker = true }
  }
  rule {
    id     = "date"
    status = "Enabled"
    filter {
      tag {
        key   = "k"
        value = "v"
      }
    }
    expiration { date = "2030-01-01T00:00:00Z" }
  }
}

resource "aws_s3_bucket_logging" "b" {
  bucket        = aws_s3_bucket.b.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = var.changed ? "log2/" : "log/"
  target_object_key_format {
    partitioned_prefix { partition_date_source = "EventTime" }
  }
}

resource "aws_s3_bucket_policy" "b" {
  depends_on = [aws_s3_bucket_public_access_block.b]
  bucket     = aws_s3_bucket.b.id
  policy     = data.aws_iam_policy_document.b.json
}

data "aws_iam_policy_document" "b" {
  statement {
    sid = "one"
    principals {
      type        = "AWS"
      identifiers = [local.account]
    }
    actions   = var.changed ? ["s3:GetObject"] : ["s3:GetObject", "s3:ListBucket"]
    resources = [aws_s3_bucket.b.arn, "${aws_s3_bucket.b.arn}/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:SourceVpc"
      values   = ["vpc-1"]
    }
  }
}

resource "aws_s3_bucket_request_payment_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  payer  = var.changed ? "BucketOwner" : "Requester"
}

resource "aws_s3_bucket_server_side_encryption_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
    bucket_key_enabled = var.changed
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "dest" {
  bucket = aws_s3_bucket.dest.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:us-east-1:${local.account}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_website_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  index_document { suffix = "index.html" }
  error_document { key = var.changed ? "e.html" : "error.html" }
  routing_rule {
    condition { key_prefix_equals = "docs/" }
    redirect { replace_key_prefix_with = "documents/" }
  }
}

resource "aws_s3_bucket_website_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  redirect_all_requests_to {
    host_name = "example.com"
    protocol  = "https"
  }
}

resource "aws_s3_bucket_analytics_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  name   = "whole"
  filter {
    prefix = var.changed ? "p/" : "q/"
    tags   = { a = "b" }
  }
  storage_class_analysis {
    data_export {
      destination {
        s3_bucket_destination {
          bucket_arn = aws_s3_bucket.logs.arn
          prefix     = "an"
        }
      }
    }
  }
}

resource "aws_s3_bucket_intelligent_tiering_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  name   = "whole"
  status = var.changed ? "Disabled" : "Enabled"
  filter {
    prefix = "x/"
    tags   = { a = "b" }
  }
  tiering {
    access_tier = "DEEP_ARCHIVE_ACCESS"
    days        = 180
  }
  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = 125
  }
}

resource "aws_s3_bucket_inventory" "b" {
  bucket                   = aws_s3_bucket.b.id
  name                     = "inv"
  included_object_versions = "All"
  enabled                  = !var.changed
  schedule { frequency = "Daily" }
  filter { prefix = "documents/" }
  optional_fields = ["Size", "ETag"]
  destination {
    bucket {
      format     = "ORC"
      bucket_arn = aws_s3_bucket.logs.arn
      prefix     = "inventory"
      encryption {
        sse_s3 {}
      }
    }
  }
}

resource "aws_s3_bucket_metric" "b" {
  bucket = aws_s3_bucket.b.id
  name   = "m"
  filter {
    prefix = var.changed ? "a/" : "b/"
    tags   = { a = "b" }
  }
}

resource "aws_s3_bucket_metric" "whole" {
  bucket = aws_s3_bucket.b.id
  name   = "whole"
}

resource "aws_iam_role" "replication" {
  name               = "repl"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_s3_bucket_replication_configuration" "b" {
  depends_on = [aws_s3_bucket_versioning.b, aws_s3_bucket_versioning.dest]
  role       = aws_iam_role.replication.arn
  bucket     = aws_s3_bucket.b.id
  rule {
    id       = "foo"
    priority = 1
    filter { prefix = "foo" }
    status = var.changed ? "Disabled" : "Enabled"
    delete_marker_replication { status = "Enabled" }
    destination {
      bucket        = aws_s3_bucket.dest.arn
      storage_class = "STANDARD"
      metrics {
        status = "Enabled"
        event_threshold { minutes = 15 }
      }
      replication_time {
        status = "Enabled"
        time { minutes = 15 }
      }
    }
  }
  rule {
    id       = "bar"
    priority = 2
    filter {
      and {
        prefix = "bar"
        tags   = { a = "b" }
      }
    }
    status = "Enabled"
    delete_marker_replication { status = "Disabled" }
    source_selection_criteria {
      replica_modifications { status = "Enabled" }
      sse_kms_encrypted_objects { status = "Enabled" }
    }
    destination {
      bucket  = aws_s3_bucket.dest.arn
      account = local.account
      access_control_translation { owner = "Destination" }
      encryption_configuration { replica_kms_key_id = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
    }
  }
}

resource "aws_sns_topic" "t" {
  name   = "t"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "SNS:Publish", Resource = "arn:aws:sns:*:*:t" }] })
}

resource "aws_s3_bucket_notification" "b" {
  bucket      = aws_s3_bucket.b.id
  eventbridge = var.changed
  topic {
    topic_arn     = aws_sns_topic.t.arn
    events        = var.changed ? ["s3:ObjectCreated:*"] : ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    filter_suffix = ".log"
  }
}

resource "aws_s3_object" "o" {
  bucket              = aws_s3_bucket.b.id
  depends_on          = [aws_s3_bucket_versioning.b, aws_s3_bucket_ownership_controls.b]
  key                 = "dir/one.txt"
  content             = var.changed ? "changed" : "first"
  content_type        = "text/plain"
  cache_control       = "no-cache"
  content_disposition = "attachment"
  content_encoding    = "identity"
  content_language    = "de"
  website_redirect    = "/elsewhere"
  storage_class       = "STANDARD_IA"
  metadata            = { a = "b", c = var.changed ? "1" : "2" }
  tags                = { x = var.changed ? "1" : "2" }
  checksum_algorithm  = "SHA256"
}

resource "aws_s3_object" "etag" {
  bucket                 = aws_s3_bucket.dest.id
  key                    = "src.txt"
  source                 = "provider.tf"
  etag                   = filemd5("provider.tf")
  server_side_encryption = "AES256"
}

resource "aws_s3_object" "locked" {
  depends_on                    = [aws_s3_bucket_object_lock_configuration.l]
  bucket                        = aws_s3_bucket.locked.id
  key                           = "l"
  content                       = "l"
  object_lock_legal_hold_status = var.changed ? "OFF" : "ON"
  object_lock_mode              = "GOVERNANCE"
  object_lock_retain_until_date = var.changed ? "2031-01-01T00:00:00Z" : "2030-01-01T00:00:00Z"
  force_destroy                 = true
}

resource "aws_s3_object_copy" "c" {
  depends_on        = [aws_s3_bucket_versioning.b]
  bucket            = aws_s3_bucket.b.id
  key               = "copy"
  source            = "${aws_s3_bucket.b.id}/${aws_s3_object.o.key}"
  tagging_directive = "REPLACE"
  tags              = { a = var.changed ? "2" : "1" }
}

resource "aws_s3_bucket_object" "old" {
  bucket         = aws_s3_bucket.b.id
  depends_on     = [aws_s3_bucket_versioning.b]
  key            = "old"
  content_base64 = base64encode("hi")
}

data "aws_s3_bucket" "b" { bucket = aws_s3_bucket.b.id }

data "aws_s3_bucket_policy" "b" {
  bucket = aws_s3_bucket_policy.b.bucket
}

data "aws_s3_object" "o" {
  bucket        = aws_s3_bucket.b.id
  key           = aws_s3_object.o.key
  checksum_mode = "ENABLED"
}

data "aws_s3_objects" "o" {
  bucket     = aws_s3_bucket.dest.id
  depends_on = [aws_s3_object.etag]
}
