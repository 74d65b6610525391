"""The demo: from event objects in S3 to the ledger, on one machine and without any set-up."""
