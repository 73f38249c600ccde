"""`/v1`: the HTTP interface for applications. Handlers of a few lines; see docs/api.md."""
