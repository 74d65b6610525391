"""Payouts against a model of a chain, driven by a random state machine."""
