# DynamoDB: tables with indexes, streams, backups, exports, imports, and where their changes go.

data "aws_caller_identity" "me" {}

resource "aws_dynamodb_table" "full" {
  name           = "full"
  billing_mode   = "PROVISIONED"
  read_capacity  = var.changed ? 7 : 5
  write_capacity = 5
  hash_key       = "pk"
  range_key      = "sk"
  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "N"
  }
  attribute {
    name = "l"
    type = "S"
  }
  attribute {
    name = "g"
    type = "B"
  }
  dynamic "attribute" {
    for_each = var.changed ? ["h"] : []
    content {
      name = attribute.value
      type = "S"
    }
  }
  local_secondary_index {
    name               = "lsi"
    range_key          = "l"
    projection_type    = "INCLUDE"
    non_key_attributes = ["x", "a"]
  }
  global_secondary_index {
    name               = "gsi"
    hash_key           = "g"
    range_key          = "sk"
    projection_type    = "INCLUDE"
    non_key_attributes = ["z", "b"]
    read_capacity      = var.changed ? 3 : 2
    write_capacity     = 2
  }
  dynamic "global_secondary_index" {
    for_each = var.changed ? ["h"] : []
    content {
      name            = "gsi2"
      hash_key        = "h"
      projection_type = "ALL"
      read_capacity   = 1
      write_capacity  = 1
    }
  }
  ttl {
    attribute_name = "exp"
    enabled        = !var.changed
  }
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"
  point_in_time_recovery {
    enabled                 = true
    recovery_period_in_days = var.changed ? 10 : 20
  }
  server_side_encryption { enabled = true }
  deletion_protection_enabled = false
  table_class                 = var.changed ? "STANDARD_INFREQUENT_ACCESS" : "STANDARD"
  tags                        = { a = var.changed ? "1" : "2", b = "c" }
}

resource "aws_dynamodb_table" "od" {
  name           = "on-demand"
  billing_mode   = var.changed ? "PROVISIONED" : "PAY_PER_REQUEST"
  read_capacity  = var.changed ? 1 : null
  write_capacity = var.changed ? 1 : null
  hash_key       = "id"
  attribute {
    name = "id"
    type = "S"
  }
  stream_enabled              = var.changed
  stream_view_type            = var.changed ? "KEYS_ONLY" : null
  deletion_protection_enabled = !var.changed
  dynamic "on_demand_throughput" {
    for_each = var.changed ? [] : [1]
    content {
      max_read_request_units  = 10
      max_write_request_units = 10
    }
  }
}

resource "aws_dynamodb_table" "kms" {
  name         = "kms"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = "arn:aws:kms:us-east-1:${data.aws_caller_identity.me.account_id}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}

resource "aws_dynamodb_table_item" "i" {
  table_name = aws_dynamodb_table.full.name
  hash_key   = "pk"
  range_key  = "sk"
  item       = jsonencode({ pk = { S = "a" }, sk = { N = "1" }, v = { S = var.changed ? "x" : "y" }, l = { S = "q" }, list = { L = [{ S = "a" }, { N = "12" }] }, ss = { SS = ["b", "a"] }, m = { M = { z = { BOOL = true } } } })
}

resource "aws_dynamodb_resource_policy" "p" {
  resource_arn = aws_dynamodb_table.full.arn
  policy       = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = var.changed ? "a" : "b", Effect = "Allow", Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }, Action = ["dynamodb:GetItem"], Resource = aws_dynamodb_table.full.arn }] })
}

resource "aws_dynamodb_contributor_insights" "c" {
  table_name = aws_dynamodb_table.full.name
}

resource "aws_kinesis_stream" "s" {
  name        = "dds"
  shard_count = 1
}

resource "aws_dynamodb_kinesis_streaming_destination" "d" {
  stream_arn                               = aws_kinesis_stream.s.arn
  table_name                               = aws_dynamodb_table.full.name
  approximate_creation_date_time_precision = var.changed ? "MICROSECOND" : "MILLISECOND"
}

resource "aws_s3_bucket" "e" {
  bucket        = "exports-${data.aws_caller_identity.me.account_id}"
  force_destroy = true
}

resource "aws_dynamodb_table_export" "e" {
  s3_bucket = aws_s3_bucket.e.id
  table_arn = aws_dynamodb_table.full.arn
}

resource "aws_s3_object" "csv" {
  bucket  = aws_s3_bucket.e.id
  key     = "import/a.csv"
  content = "id,v\n1,2\n3,4\n"
}

resource "aws_dynamodb_table" "imported" {
  name         = "imported"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
  import_table {
    input_format = "CSV"
    s3_bucket_source {
      bucket     = aws_s3_bucket.e.id
      key_prefix = "import"
    }
  }
  depends_on = [aws_s3_object.csv]
}

resource "aws_dynamodb_table" "restored" {
  depends_on             = [aws_dynamodb_table_item.i]
  name                   = "restored"
  billing_mode           = "PAY_PER_REQUEST"
  hash_key               = "pk"
  range_key              = "sk"
  restore_source_name    = aws_dynamodb_table.full.name
  restore_to_latest_time = true
  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "N"
  }
  attribute {
    name = "l"
    type = "S"
  }
  local_secondary_index {
    name               = "lsi"
    range_key          = "l"
    projection_type    = "INCLUDE"
    non_key_attributes = ["x", "a"]
  }
  lifecycle { ignore_changes = [global_secondary_index, attribute, read_capacity, write_capacity, billing_mode] }
}

data "aws_dynamodb_table" "t" { name = aws_dynamodb_table.full.name }

data "aws_dynamodb_table_item" "t" {
  table_name = aws_dynamodb_table.full.name
  key        = jsonencode({ pk = { S = "a" }, sk = { N = "1" } })
  depends_on = [aws_dynamodb_table_item.i]
}

data "aws_dynamodb_tables" "t" {
  depends_on = [aws_dynamodb_table.full]
}

resource "aws_dynamodb_table" "global" {
  name             = "global"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"
  attribute {
    name = "id"
    type = "S"
  }
  replica {
    region_name            = "eu-west-1"
    point_in_time_recovery = var.changed
  }
  dynamic "replica" {
    for_each = var.changed ? ["us-west-2"] : []
    content {
      region_name = replica.value
    }
  }
}
