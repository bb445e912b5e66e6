# A tenant's SSH key and reservation, and an operator's node, by a generic REST provider. docs/terraform.md explains it.

terraform {
  required_providers {
    restapi = {
      source = "Mastercard/restapi"
    }
  }
}

variable "url" {
  type    = string
  default = "http://127.0.0.1:7070"
}

variable "tenant_token" {
  type      = string
  sensitive = true
}

variable "operator_token" {
  type      = string
  sensitive = true
}

variable "public_key" {
  type = string
}

provider "restapi" {
  uri                  = var.url
  write_returns_object = true
  headers = {
    Authorization = "Bearer ${var.tenant_token}"
    Content-Type  = "application/json"
    Prefer        = "wait=60" # for the verdict on a reservation
  }
}

provider "restapi" {
  alias                = "operator"
  uri                  = var.url
  write_returns_object = true
  headers = {
    Authorization = "Bearer ${var.operator_token}"
    Content-Type  = "application/json"
    If-Match      = "*" # an operator's PUT says what it replaces: whatever is there
  }
}

resource "restapi_object" "node" {
  provider                = restapi.operator
  path                    = "/v1/system/nodes"
  ignore_server_additions = true
  data = jsonencode({
    name       = "gpu-0001"
    zone       = "us-east-1a"
    fabric     = "f1"
    rack       = "r1"
    gpu_model  = "H100"
    gpu_count  = 8
    cpu_milli  = 192000
    memory_mib = 2097152
    labels     = { row = "7" }
  })
}

resource "restapi_object" "key" {
  path                    = "/v1/ssh-keys"
  ignore_server_additions = true
  data = jsonencode({
    name       = "ana"
    public_key = var.public_key
  })
}

resource "restapi_object" "training" {
  path                    = "/v1/reservations"
  ignore_server_additions = true
  depends_on              = [restapi_object.key, restapi_object.node]
  data = jsonencode({
    name          = "llama-pretrain-3"
    instance_type = "h100.8x"
    count         = 1
    zone          = "us-east-1a"
    starts_at     = "2026-12-01T00:00:00Z"
    ends_at       = "2026-12-08T00:00:00Z"
    placement     = { within = "fabric" }
    ssh_keys      = ["ana"]
    labels        = { team = "pretrain" }
  })
}
