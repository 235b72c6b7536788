"""Contracts, payloads and messages shared by the client, the daemon, the generator and the sandbox.

Nothing here does I/O, starts a thread or knows who reads it.
"""
