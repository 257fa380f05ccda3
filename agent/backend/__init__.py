"""The reference scoring backend: takes signed statements and their blobs, logs them, and answers with receipts."""
