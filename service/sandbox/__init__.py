"""Stateful stand-ins for the providers' APIs: virtual time, signed deliveries, faults on request.

They import nothing from the rest of `service`, and only the command line and the tests import them.
"""
