# RDS: Aurora clusters and instances.

resource "aws_rds_cluster" "c" {
  cluster_identifier      = "cluster"
  engine                  = "aurora-postgresql"
  engine_mode             = "provisioned"
  database_name           = "app"
  master_username         = "admin1"
  master_password         = "secret-password"
  enable_http_endpoint    = true
  skip_final_snapshot     = true
  storage_encrypted       = true
  backup_retention_period = var.changed ? 5 : 1
  deletion_protection     = false
  apply_immediately       = true
  tags                    = { a = var.changed ? "1" : "2" }
  serverlessv2_scaling_configuration {
    max_capacity = var.changed ? 2 : 1
    min_capacity = 0.5
  }
}

resource "aws_rds_cluster_instance" "i" {
  cluster_identifier = aws_rds_cluster.c.id
  instance_class     = "db.serverless"
  engine             = aws_rds_cluster.c.engine
  engine_version     = aws_rds_cluster.c.engine_version
}

resource "aws_rds_cluster" "m" {
  cluster_identifier          = "managed"
  engine                      = "aurora-mysql"
  master_username             = "admin1"
  manage_master_user_password = true
  skip_final_snapshot         = true
}

data "aws_rds_cluster" "c" { cluster_identifier = aws_rds_cluster.c.id }
