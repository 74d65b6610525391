"""Payouts in the SQL ledger."""
