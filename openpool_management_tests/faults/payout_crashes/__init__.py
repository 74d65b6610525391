"""Payout runs that die, sleep, meet each other, or find their ledger rolled back."""
