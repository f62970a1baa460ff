# IAM: roles, users, groups, policies, providers.

data "aws_caller_identity" "me" {}

data "aws_partition" "p" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "doc" {
  statement {
    sid       = var.changed ? "a" : "b"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::x/*", "arn:aws:s3:::x"]
  }
}

resource "aws_iam_role" "r" {
  name                 = "role"
  path                 = "/svc/"
  description          = var.changed ? "1" : "2"
  max_session_duration = var.changed ? 7200 : 3600
  permissions_boundary = var.changed ? "arn:aws:iam::aws:policy/PowerUserAccess" : "arn:aws:iam::aws:policy/ReadOnlyAccess"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  tags                 = { a = var.changed ? "1" : "2" }
}

resource "aws_iam_role" "inline" {
  name_prefix        = "some-"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  inline_policy {
    name   = "x"
    policy = data.aws_iam_policy_document.doc.json
  }
  managed_policy_arns = var.changed ? [aws_iam_policy.p.arn] : ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
}

resource "aws_iam_role" "ex" {
  name               = "ex"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policies_exclusive" "ex" {
  role_name    = aws_iam_role.ex.name
  policy_names = [aws_iam_role_policy.ex.name]
}

resource "aws_iam_role_policy" "ex" {
  name   = "n"
  role   = aws_iam_role.ex.name
  policy = data.aws_iam_policy_document.doc.json
}

resource "aws_iam_role_policy_attachments_exclusive" "ex" {
  role_name   = aws_iam_role.inline.name
  policy_arns = aws_iam_role.inline.managed_policy_arns
}

resource "aws_iam_user" "renamed" {
  name = var.changed ? "user2" : "user1"
}

resource "aws_iam_role_policy" "r" {
  name_prefix = "in"
  role        = aws_iam_role.r.id
  policy      = data.aws_iam_policy_document.doc.json
}

resource "aws_iam_policy" "p" {
  name        = "policy"
  path        = "/svc/"
  description = "d"
  policy      = data.aws_iam_policy_document.doc.json
  tags        = { a = var.changed ? "1" : "2" }
}

resource "aws_iam_role_policy_attachment" "r" {
  role       = aws_iam_role.r.name
  policy_arn = aws_iam_policy.p.arn
}

resource "aws_iam_role_policy_attachment" "m" {
  for_each   = toset(["service-role/AWSLambdaBasicExecutionRole", "AWSXRayDaemonWriteAccess", "service-role/AWSLambdaSQSQueueExecutionRole", "AmazonDynamoDBFullAccess", "service-role/AWSLambdaVPCAccessExecutionRole", "CloudWatchLambdaInsightsExecutionRolePolicy", "service-role/AmazonAPIGatewayPushToCloudWatchLogs", "service-role/AWSLambdaKinesisExecutionRole", "AdministratorAccess"])
  role       = aws_iam_role.r.name
  policy_arn = "arn:aws:iam::aws:policy/${each.value}"
}

resource "aws_iam_instance_profile" "p" {
  name = "profile"
  role = var.changed ? aws_iam_role.ex.name : aws_iam_role.r.name
  tags = { a = var.changed ? "1" : "2" }
}

resource "aws_iam_user" "u" {
  name                 = "user"
  path                 = var.changed ? "/p/" : "/"
  force_destroy        = true
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
  tags                 = { a = var.changed ? "1" : "2" }
}

resource "aws_iam_user" "plain" { name = "plain" }

resource "aws_iam_user_policy" "u" {
  name   = "x"
  user   = aws_iam_user.plain.name
  policy = data.aws_iam_policy_document.doc.json
}

resource "aws_iam_user_policy_attachment" "u" {
  user       = aws_iam_user.plain.name
  policy_arn = aws_iam_policy.p.arn
}

resource "aws_iam_access_key" "k" {
  user   = aws_iam_user.plain.name
  status = var.changed ? "Inactive" : "Active"
}

resource "aws_iam_user_login_profile" "l" {
  user = aws_iam_user.plain.name
}

resource "aws_iam_group" "g" {
  name = var.changed ? "g2" : "g"
  path = "/x/"
}

resource "aws_iam_group_policy" "g" {
  name   = "x"
  group  = aws_iam_group.g.name
  policy = data.aws_iam_policy_document.doc.json
}

resource "aws_iam_group_policy_attachment" "g" {
  group      = aws_iam_group.g.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_group_membership" "g" {
  name  = "m"
  group = aws_iam_group.g.name
  users = var.changed ? [aws_iam_user.plain.name] : [aws_iam_user.plain.name, aws_iam_user.u.name]
}

resource "aws_iam_group" "g2" { name = "gg" }

resource "aws_iam_user_group_membership" "m" {
  user   = aws_iam_user.u.name
  groups = [aws_iam_group.g2.name]
}

resource "aws_iam_policy_attachment" "a" {
  name       = "a"
  users      = [aws_iam_user.u.name]
  roles      = [aws_iam_role.ex.name]
  groups     = [aws_iam_group.g2.name]
  policy_arn = aws_iam_policy.shared.arn
}

resource "aws_iam_policy" "shared" {
  name_prefix = "some-"
  policy      = data.aws_iam_policy_document.doc.json
}

resource "aws_iam_account_alias" "a" { account_alias = "alias" }

resource "aws_iam_account_password_policy" "p" {
  minimum_password_length = var.changed ? 8 : 10
  require_numbers         = true
}

resource "aws_iam_openid_connect_provider" "o" {
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = var.changed ? ["sts.amazonaws.com", "x"] : ["sts.amazonaws.com"]
  thumbprint_list = [var.changed ? "6938fd4d98bab03faadb97b34396831e3780aea1" : "1c58a3a8518e8759bf075b76b750d4f2df264fcd"]
  tags            = { a = var.changed ? "1" : "2" }
}

resource "aws_iam_service_linked_role" "s" {
  aws_service_name = "elasticbeanstalk.amazonaws.com"
  description      = var.changed ? "1" : "2"
}

resource "aws_iam_saml_provider" "s" {
  name                   = "saml"
  saml_metadata_document = file("saml.xml")
}

data "aws_iam_role" "r" { name = aws_iam_role.r.name }

data "aws_iam_roles" "r" {
  name_regex = ".*"
  depends_on = [aws_iam_role.r]
}

data "aws_iam_policy" "p" { name = aws_iam_policy.p.name }

data "aws_iam_policy" "m" { arn = "arn:aws:iam::aws:policy/AdministratorAccess" }

data "aws_iam_policy" "n" { name = "AdministratorAccess" }

data "aws_iam_user" "u" { user_name = aws_iam_user.plain.name }

data "aws_iam_users" "u" { depends_on = [aws_iam_user.plain] }

data "aws_iam_group" "g" { group_name = aws_iam_group.g2.name }

data "aws_iam_account_alias" "a" { depends_on = [aws_iam_account_alias.a] }

data "aws_iam_instance_profile" "p" { name = aws_iam_instance_profile.p.name }

data "aws_iam_openid_connect_provider" "p" { arn = aws_iam_openid_connect_provider.o.arn }

data "aws_iam_session_context" "s" { arn = data.aws_caller_identity.me.arn }

data "aws_iam_policy_document" "merged" { source_policy_documents = [data.aws_iam_policy_document.doc.json] }

data "aws_iam_principal_policy_simulation" "s" {
  action_names      = ["s3:GetObject"]
  policy_source_arn = aws_iam_user.plain.arn
  resource_arns     = ["arn:aws:s3:::x/y"]
  depends_on        = [aws_iam_user_policy.u]
}
