# Application Auto Scaling: a table and an index that follow their use, an alias that follows the hours of the day.

resource "aws_dynamodb_table" "orders" {
  name           = "orders"
  billing_mode   = "PROVISIONED"
  read_capacity  = 5
  write_capacity = 5
  hash_key       = "id"
  attribute {
    name = "id"
    type = "S"
  }
  attribute {
    name = "day"
    type = "S"
  }
  global_secondary_index {
    name            = "by-day"
    hash_key        = "day"
    projection_type = "ALL"
    read_capacity   = 2
    write_capacity  = 2
  }
  lifecycle {
    ignore_changes = [read_capacity, write_capacity, global_secondary_index]
  }
}

resource "aws_appautoscaling_target" "reads" {
  service_namespace  = "dynamodb"
  resource_id        = "table/${aws_dynamodb_table.orders.name}"
  scalable_dimension = "dynamodb:table:ReadCapacityUnits"
  min_capacity       = var.changed ? 8 : 5
  max_capacity       = 100
  tags = {
    team = var.changed ? "b" : "a"
  }
  dynamic "suspended_state" {
    for_each = var.changed ? [true] : []
    content {
      dynamic_scaling_in_suspended  = true
      dynamic_scaling_out_suspended = false
      scheduled_scaling_suspended   = false
    }
  }
}

resource "aws_appautoscaling_policy" "reads" {
  name               = "DynamoDBReadCapacityUtilization:${aws_appautoscaling_target.reads.resource_id}"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.reads.resource_id
  scalable_dimension = aws_appautoscaling_target.reads.scalable_dimension
  service_namespace  = aws_appautoscaling_target.reads.service_namespace
  target_tracking_scaling_policy_configuration {
    predefined_metric_specification {
      predefined_metric_type = "DynamoDBReadCapacityUtilization"
    }
    target_value       = var.changed ? 60 : 70
    scale_in_cooldown  = var.changed ? 120 : null
    scale_out_cooldown = 60
    disable_scale_in   = var.changed
  }
}

resource "aws_appautoscaling_target" "index" {
  service_namespace  = "dynamodb"
  resource_id        = "table/${aws_dynamodb_table.orders.name}/index/by-day"
  scalable_dimension = "dynamodb:index:WriteCapacityUnits"
  min_capacity       = 3
  max_capacity       = 9
}

resource "aws_appautoscaling_policy" "index" {
  name               = "math"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.index.resource_id
  scalable_dimension = aws_appautoscaling_target.index.scalable_dimension
  service_namespace  = aws_appautoscaling_target.index.service_namespace
  target_tracking_scaling_policy_configuration {
    target_value = 10
    customized_metric_specification {
      metrics {
        id          = "waiting"
        return_data = false
        metric_stat {
          stat = "Maximum"
          metric {
            namespace   = "Shop"
            metric_name = "waiting"
            dimensions {
              name  = "Queue"
              value = "orders"
            }
          }
        }
      }
      metrics {
        id          = "each"
        expression  = var.changed ? "waiting / 3" : "waiting / 2"
        label       = "of each"
        return_data = true
      }
    }
  }
}

resource "aws_iam_role" "pay" {
  name = "pay"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_lambda_function" "pay" {
  function_name = "pay"
  role          = aws_iam_role.pay.arn
  runtime       = "python3.12"
  handler       = "code.handler"
  filename      = "code.zip"
  publish       = true
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.pay.function_name
  function_version = aws_lambda_function.pay.version
}

resource "aws_appautoscaling_target" "alias" {
  service_namespace  = "lambda"
  resource_id        = "function:${aws_lambda_function.pay.function_name}:${aws_lambda_alias.live.name}"
  scalable_dimension = "lambda:function:ProvisionedConcurrency"
  min_capacity       = 1
  max_capacity       = 3
  lifecycle {
    ignore_changes = [min_capacity, max_capacity]
  }
}

resource "aws_appautoscaling_scheduled_action" "morning" {
  name               = "morning"
  service_namespace  = aws_appautoscaling_target.alias.service_namespace
  resource_id        = aws_appautoscaling_target.alias.resource_id
  scalable_dimension = aws_appautoscaling_target.alias.scalable_dimension
  schedule           = var.changed ? "cron(30 7 * * ? *)" : "cron(0 8 * * ? *)"
  timezone           = var.changed ? "Europe/Berlin" : "UTC"
  start_time         = "2031-01-01T00:00:00Z"
  scalable_target_action {
    min_capacity = var.changed ? 3 : 2
    max_capacity = 5
  }
}
