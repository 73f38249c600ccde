"""Money over time: what is billed, when, and what follows from being paid or not."""
