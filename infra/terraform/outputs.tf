output "store" {
  description = "REGEN3D_STORE of the farm (infra/kubernetes/base.yaml)."
  value       = "s3://${aws_s3_bucket.store.bucket}/store"
}

output "worker_role" {
  description = "Role of the service account regen3d-worker (infra/kubernetes/base.yaml)."
  value       = aws_iam_role.worker.arn
}

output "cluster" {
  description = "For `aws eks update-kubeconfig --name`."
  value       = aws_eks_cluster.farm.name
}
