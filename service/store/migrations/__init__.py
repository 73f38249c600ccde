"""The schema's history. `service.store.schema` runs it; nothing else needs to."""
