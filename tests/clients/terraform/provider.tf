# What every configuration of this folder starts with: where Kumoi is comes from the environment.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {}

variable "changed" {
  description = "Whether what can be updated has its second value."
  type        = bool
  default     = false
}
