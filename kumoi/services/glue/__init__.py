"""AWS Glue's Data Catalog: databases, tables, partitions: what Athena and others know of data in S3.

Rules: the Glue API reference, "Catalog". Jobs, crawlers and the rest of Glue are not served.
"""

from kumoi.doorway import Service

glue = Service(
    "glue",
    __name__,
    modules=(
        "operations.databases",
        "operations.tables",
        "operations.partitions",
        "operations.partition_indexes",
        "operations.tags",
    ),
    resource=("TableName", "DatabaseName", "Name"),
    authorization="authorization",
    page="athena",
)
