"""What can go wrong between the ledger and the chain, on a real chain behind a faulty proxy."""
