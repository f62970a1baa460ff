# A site with its own domain name: hosted zone, certificate that DNS validates, distribution, and records of all kinds.

resource "aws_route53_zone" "site" {
  name          = "site.example.com"
  comment       = var.changed ? "second" : "first"
  force_destroy = true
  tags          = { team = var.changed ? "blue" : "red" }
}

resource "aws_route53_zone" "private" {
  name = "corp.internal"
  vpc {
    vpc_id = "vpc-0123456789abcdef0"
  }
}

resource "aws_acm_certificate" "site" {
  domain_name               = "site.example.com"
  subject_alternative_names = ["*.site.example.com", "api.example.com"]
  validation_method         = "DNS"
  tags                      = { team = var.changed ? "blue" : "red" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = {
    for option in aws_acm_certificate.site.domain_validation_options : option.domain_name => {
      name   = option.resource_record_name
      record = option.resource_record_value
      type   = option.resource_record_type
    } if endswith(option.domain_name, "site.example.com")
  }

  allow_overwrite = true
  zone_id         = aws_route53_zone.site.zone_id
  name            = each.value.name
  records         = [each.value.record]
  type            = each.value.type
  ttl             = 60
}

resource "aws_acm_certificate_validation" "site" {
  certificate_arn = aws_acm_certificate.site.arn
  depends_on      = [aws_route53_record.validation]
}

resource "aws_acm_certificate" "key" {
  domain_name       = "ec.example.net"
  validation_method = "DNS"
  key_algorithm     = "EC_prime256v1"
}

resource "aws_cloudfront_distribution" "site" {
  enabled = true
  aliases = ["site.example.com"]
  origin {
    domain_name = "origin.example.net"
    origin_id   = "origin"
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }
  default_cache_behavior {
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    target_origin_id       = "origin"
    viewer_protocol_policy = "redirect-to-https"
    cache_policy_id        = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  }
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    acm_certificate_arn = aws_acm_certificate_validation.site.certificate_arn
    ssl_support_method  = "sni-only"
  }
}

resource "aws_route53_record" "apex" {
  for_each = toset(["A", "AAAA"])
  zone_id  = aws_route53_zone.site.zone_id
  name     = "site.example.com"
  type     = each.value
  alias {
    name                   = aws_cloudfront_distribution.site.domain_name
    zone_id                = aws_cloudfront_distribution.site.hosted_zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_record" "mail" {
  zone_id = aws_route53_zone.site.zone_id
  name    = ""
  type    = "MX"
  ttl     = var.changed ? 300 : 600
  records = ["10 mail.site.example.com", "20 backup.site.example.com"]
}

resource "aws_route53_record" "text" {
  zone_id = aws_route53_zone.site.zone_id
  name    = "text"
  type    = "TXT"
  ttl     = 60
  records = ["v=spf1 -all", "a \\\"quoted\\\" one"]
}

resource "aws_route53_record" "wild" {
  zone_id = aws_route53_zone.site.zone_id
  name    = "*.apps"
  type    = "CNAME"
  ttl     = 60
  records = [var.changed ? "blue.site.example.com" : "red.site.example.com"]
}

resource "aws_route53_health_check" "site" {
  fqdn              = "site.example.com"
  port              = 80
  type              = "HTTP"
  resource_path     = var.changed ? "/second" : "/first"
  failure_threshold = 5
  request_interval  = 30
  disabled          = true
  tags              = { Name = "site" }
}

resource "aws_route53_record" "failover" {
  for_each        = { first = "PRIMARY", second = "SECONDARY" }
  zone_id         = aws_route53_zone.site.zone_id
  name            = "failover"
  type            = "A"
  ttl             = 60
  records         = [each.key == "first" ? "192.0.2.1" : "192.0.2.2"]
  set_identifier  = each.key
  health_check_id = each.key == "first" ? aws_route53_health_check.site.id : null
  failover_routing_policy {
    type = each.value
  }
}

resource "aws_route53_record" "weighted" {
  for_each       = { a = 10, b = 90 }
  zone_id        = aws_route53_zone.site.zone_id
  name           = "weighted"
  type           = "A"
  ttl            = 60
  records        = ["192.0.2.3"]
  set_identifier = each.key
  weighted_routing_policy {
    weight = var.changed ? 50 : each.value
  }
}

data "aws_route53_zone" "found" {
  name       = "site.example.com"
  depends_on = [aws_route53_zone.site]
}

data "aws_acm_certificate" "found" {
  domain      = "site.example.com"
  statuses    = ["ISSUED"]
  most_recent = true
  depends_on  = [aws_acm_certificate_validation.site]
}

resource "aws_route53_delegation_set" "shared" {
  reference_name = "shared"
}
