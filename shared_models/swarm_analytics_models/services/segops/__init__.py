"""SegOps ingestion."""
