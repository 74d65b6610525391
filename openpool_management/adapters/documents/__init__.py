"""Where documents are published: a directory, or a bucket."""

from openpool_management.adapters.documents.directory import DirectoryDocuments
from openpool_management.adapters.documents.s3 import S3Documents

__all__ = ["DirectoryDocuments", "S3Documents"]
