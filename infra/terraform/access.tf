# What pods may do: the service account regen3d/regen3d-worker may use the one bucket and its key, and nothing else.

data "tls_certificate" "cluster" {
  url = aws_eks_cluster.farm.identity[0].oidc[0].issuer
}

resource "aws_iam_openid_connect_provider" "cluster" {
  url             = aws_eks_cluster.farm.identity[0].oidc[0].issuer
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = [data.tls_certificate.cluster.certificates[0].sha1_fingerprint]
}

locals {
  issuer = trimprefix(aws_eks_cluster.farm.identity[0].oidc[0].issuer, "https://")
}

data "aws_iam_policy_document" "assume_worker" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.cluster.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:regen3d:regen3d-worker"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "worker" {
  name               = "${var.name}-worker"
  assume_role_policy = data.aws_iam_policy_document.assume_worker.json
}

data "aws_iam_policy_document" "worker" {
  statement {
    sid       = "FindTheStore"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [aws_s3_bucket.store.arn]
  }

  statement {
    sid       = "UseTheStore"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.store.arn}/*"]
  }

  statement {
    sid       = "UseItsKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.store.arn]
  }
}

resource "aws_iam_role_policy" "worker" {
  name   = "store"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.worker.json
}
