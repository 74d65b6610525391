"""Deliberate errors in the payout code that tests have to notice."""
