# What a shop runs on.
terraform {
  required_version = ">= 1.0"
}

provider "aws" {
  region = var.region
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

locals {
  name = "shop"
}

data "aws_ami" "linux" {
  most_recent = true
}

// One machine.
resource "aws_instance" "web" {
  ami           = data.aws_ami.linux.id
  instance_type = "t3.micro"

  dynamic "tag" {
    for_each = local.tags
    content {
      key = tag.key
    }
  }
}

module "network" {
  source = "./network"
}

output "address" {
  value = aws_instance.web.public_ip
}
