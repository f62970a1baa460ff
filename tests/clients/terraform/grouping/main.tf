# Resource Groups, and resources found by their tags.

resource "aws_sns_topic" "news" {
  name = "news"
  tags = { team = "a" }
}

resource "aws_resourcegroups_group" "team" {
  name        = "team"
  description = var.changed ? "what team b has" : "what team a has"
  resource_query {
    query = jsonencode({
      ResourceTypeFilters = ["AWS::AllSupported"]
      TagFilters          = [{ Key = "team", Values = [var.changed ? "b" : "a"] }]
    })
  }
  tags = {
    kind = var.changed ? "second" : "first"
  }
}

data "aws_resourcegroupstaggingapi_resources" "all" {
  resource_type_filters = ["sns:topic"]
  tag_filter {
    key    = "team"
    values = ["a"]
  }
  depends_on = [aws_sns_topic.news]
}

output "found" {
  value = [for one in data.aws_resourcegroupstaggingapi_resources.all.resource_tag_mapping_list : one.resource_arn]
}
