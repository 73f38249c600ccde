"""Stripe objects to neutral snapshots, one file a resource. Pure.

Each function takes the object as decoded JSON and its JSON text, reads the shapes from before and after the API version
`basil` (2025-03-31) up to `endive` (2026-10-28), and raises `MappingError` where a shape can't be translated.
"""
