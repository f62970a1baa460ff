# Firehose: delivery streams to S3 and to an HTTP endpoint, with functions, partitions, Parquet, backups.

resource "aws_s3_bucket" "b" {
  bucket_prefix = "deliveries"
  force_destroy = true
}

resource "aws_iam_role" "r" {
  name               = "firehose"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "firehose.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_cloudwatch_log_group" "g" { name = "/firehose" }

resource "aws_kinesis_stream" "k" {
  name        = "events"
  shard_count = 1
}

resource "aws_kinesis_firehose_delivery_stream" "plain" {
  name        = "plain"
  destination = "extended_s3"

  extended_s3_configuration {
    role_arn           = aws_iam_role.r.arn
    bucket_arn         = aws_s3_bucket.b.arn
    prefix             = var.changed ? "two/" : "one/"
    buffering_size     = var.changed ? 10 : 5
    buffering_interval = var.changed ? 60 : 400
    compression_format = "GZIP"
    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.g.name
      log_stream_name = "errors"
    }
  }

  server_side_encryption {
    enabled = var.changed
  }

  tags = { a = var.changed ? "1" : "2" }
}

resource "aws_kinesis_firehose_delivery_stream" "partitioned" {
  name        = "partitioned"
  destination = "extended_s3"

  extended_s3_configuration {
    role_arn            = aws_iam_role.r.arn
    bucket_arn          = aws_s3_bucket.b.arn
    buffering_size      = 64
    custom_time_zone    = "Asia/Tokyo"
    file_extension      = ".json"
    prefix              = "c=!{partitionKeyFromQuery:customer}/!{timestamp:yyyy}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    s3_backup_mode      = "Enabled"

    dynamic_partitioning_configuration {
      enabled        = true
      retry_duration = 200
    }

    s3_backup_configuration {
      role_arn   = aws_iam_role.r.arn
      bucket_arn = aws_s3_bucket.b.arn
      prefix     = var.changed ? "raw/" : "backup/"
    }

    processing_configuration {
      enabled = true
      processors {
        type = "RecordDeAggregation"
        parameters {
          parameter_name  = "SubRecordType"
          parameter_value = "JSON"
        }
      }
      processors { type = "AppendDelimiterToRecord" }
      processors {
        type = "MetadataExtraction"
        parameters {
          parameter_name  = "JsonParsingEngine"
          parameter_value = "JQ-1.6"
        }
        parameters {
          parameter_name  = "MetadataExtractionQuery"
          parameter_value = "{customer:.customer}"
        }
      }
    }
  }
}

resource "aws_glue_catalog_database" "d" { name = "shop" }

resource "aws_glue_catalog_table" "t" {
  name          = "clicks"
  database_name = aws_glue_catalog_database.d.name
  storage_descriptor {
    columns {
      name = "page"
      type = "string"
    }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "parquet" {
  name        = "parquet"
  destination = "extended_s3"

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.k.arn
    role_arn           = aws_iam_role.r.arn
  }

  extended_s3_configuration {
    role_arn       = aws_iam_role.r.arn
    bucket_arn     = aws_s3_bucket.b.arn
    buffering_size = 128

    data_format_conversion_configuration {
      input_format_configuration {
        deserializer {
          open_x_json_ser_de {}
        }
      }
      output_format_configuration {
        serializer {
          parquet_ser_de { compression = var.changed ? "GZIP" : "SNAPPY" }
        }
      }
      schema_configuration {
        database_name = aws_glue_catalog_table.t.database_name
        role_arn      = aws_iam_role.r.arn
        table_name    = aws_glue_catalog_table.t.name
      }
    }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "http" {
  name        = "http"
  destination = "http_endpoint"

  http_endpoint_configuration {
    url                = "https://example.com/in"
    name               = "mine"
    access_key         = "secret"
    buffering_size     = 15
    buffering_interval = var.changed ? 60 : 600
    role_arn           = aws_iam_role.r.arn
    s3_backup_mode     = "FailedDataOnly"
    retry_duration     = var.changed ? 10 : 300

    s3_configuration {
      role_arn           = aws_iam_role.r.arn
      bucket_arn         = aws_s3_bucket.b.arn
      compression_format = var.changed ? "GZIP" : "UNCOMPRESSED"
    }

    request_configuration {
      content_encoding = "GZIP"
      common_attributes {
        name  = "env"
        value = "test"
      }
    }
  }
}
