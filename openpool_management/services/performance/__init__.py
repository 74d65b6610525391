"""How well workers did their jobs: partial aggregates of the lake, and rows made of them."""
