# Shares a layer with a list of accounts and organizations from Terraform, through a stack. Needs share-with-a-list.yaml in the same folder, and
# the provider in the same account and region.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "partners" {
  type        = list(string)
  description = "Ids of the accounts and organizations that may use the layer."
}

resource "aws_lambda_layer_version" "tools" {
  layer_name = "tools"
  filename   = "tools.zip"
  # Deletes the old version only after the stack shares the new one.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "share_tools" {
  name          = "share-tools"
  template_body = file("${path.module}/share-with-a-list.yaml")
  parameters = {
    LayerVersionArn = aws_lambda_layer_version.tools.arn
    Partners        = join(",", var.partners)
  }
}

output "statement_ids" {
  value = split(",", aws_cloudformation_stack.share_tools.outputs["StatementIds"])
}
