"""Keys that sign payouts."""
