"""Lemon Squeezy's objects to neutral snapshots, one file a resource. Pure.

Each function takes a `Thing` and raises `MappingError` where its shape can't be translated. The content depends on the
object's attributes alone, so that an event and a read of one version say the same; only the application's user id comes
from beside the object, and only with events.
"""
