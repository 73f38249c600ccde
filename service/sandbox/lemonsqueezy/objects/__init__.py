"""The resources of the API: what each operation accepts, and what it does."""
