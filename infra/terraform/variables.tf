variable "name" {
  description = "Name of the farm; begins every name in the account."
  type        = string
  default     = "regen3d"
}

variable "region" {
  description = "Where everything is."
  type        = string
  default     = "eu-central-1"
}

variable "subnet_ids" {
  description = "Private subnets of one network, in two zones at least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Give two subnets at least, in different zones."
  }
}

variable "admin_cidrs" {
  description = "Networks from which the cluster's API may be reached; empty: from inside the network only."
  type        = list(string)
  default     = []
}

variable "kubernetes_version" {
  description = "Of the cluster."
  type        = string
  default     = "1.33"
}

variable "gpu_groups" {
  description = "Groups of GPU machines by name; each scales from 0 to `most`."
  type = map(object({
    instance_types = list(string)
    most           = number
    spot           = bool
    disk_gb        = number
  }))
  default = {
    # 24 GB: Hunyuan3D 2.0, VGGT, MoGe-2, SAM 3.
    l4 = {
      instance_types = ["g6.2xlarge"]
      most           = 8
      spot           = true
      disk_gb        = 200
    }
    # 48 GB: Hunyuan3D 2.1.
    l40s = {
      instance_types = ["g6e.2xlarge"]
      most           = 4
      spot           = false
      disk_gb        = 200
    }
  }
}

variable "keep_days" {
  description = "Days for which old versions of objects and uploads that were never used are kept."
  type        = number
  default     = 30
}
