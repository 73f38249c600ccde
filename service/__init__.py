"""Tallyhook: receives billing webhooks and keeps a true copy of the billing state."""
