"""Paddle objects to neutral snapshots, one file a resource. Pure.

Each function takes the object as decoded JSON and its JSON text, and raises `MappingError` where a shape can't be translated.
An event and a read of the same version of an object give the same content: what only one of the two carries (management
and checkout links, the `transaction_id` of `subscription.created`, included entities), and copies of other objects that
change without this one (a line's product), stay out.
"""
