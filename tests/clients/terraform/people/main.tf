# Cognito: a pool whose people sign in at identity providers.

resource "aws_cognito_user_pool" "people" {
  name = "people"
}

resource "aws_cognito_identity_provider" "google" {
  user_pool_id  = aws_cognito_user_pool.people.id
  provider_name = "Google"
  provider_type = "Google"
  provider_details = {
    authorize_scopes = var.changed ? "openid email profile" : "openid email"
    client_id        = "g"
    client_secret    = "secret"

    # What AWS adds shows as a change where it is not here.
    attributes_url                = "https://people.googleapis.com/v1/people/me?personFields="
    attributes_url_add_attributes = true
    authorize_url                 = "https://accounts.google.com/o/oauth2/v2/auth"
    oidc_issuer                   = "https://accounts.google.com"
    token_request_method          = "POST"
    token_url                     = "https://www.googleapis.com/oauth2/v4/token"
  }
  attribute_mapping = {
    email    = "email"
    username = "sub"
  }
}

resource "aws_cognito_identity_provider" "work" {
  user_pool_id    = aws_cognito_user_pool.people.id
  provider_name   = "work"
  provider_type   = "OIDC"
  idp_identifiers = var.changed ? ["example.com", "example.org"] : ["example.com"]
  provider_details = {
    attributes_request_method     = "GET"
    attributes_url_add_attributes = false
    authorize_scopes              = "openid"
    client_id                     = "c"
    client_secret                 = var.changed ? "another" : "secret"
    oidc_issuer                   = "https://idp.example"
  }
  attribute_mapping = {
    email    = var.changed ? "mail" : "email"
    username = "sub"
  }
}

resource "aws_cognito_identity_provider" "office" {
  user_pool_id      = aws_cognito_user_pool.people.id
  provider_name     = "office"
  provider_type     = "SAML"
  provider_details  = { MetadataFile = file("${path.module}/saml.xml") }
  attribute_mapping = { email = var.changed ? "mail" : "email" }
}

resource "aws_cognito_user_pool_client" "app" {
  name                         = "app"
  user_pool_id                 = aws_cognito_user_pool.people.id
  supported_identity_providers = var.changed ? ["COGNITO", "Google", "office", "work"] : ["Google"]

  depends_on = [
    aws_cognito_identity_provider.google, aws_cognito_identity_provider.office, aws_cognito_identity_provider.work
  ]
}
