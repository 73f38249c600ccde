"""HTTP only: handlers of a few lines that read, call a use case and answer."""
