"""A stand-in for the services: tokens, validation, deduplication and scripted faults, to test against.

Built from the same contracts as the client and the daemon, and from nothing else of theirs, so that sender
and judge share no bug. Everything it took can be looked at under ``/_sandbox``.
"""
