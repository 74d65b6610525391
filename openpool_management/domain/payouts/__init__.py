"""Payouts without IO: what to pay, what a transaction is, and where a payout stands."""
