"""Paying workers: planning, sending, settling, and putting right what went otherwise."""
