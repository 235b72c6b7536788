"""Contracts, payloads and messages shared by the client, the daemon, the generator and the sandbox.

Nothing here starts a thread, opens a connection or knows who reads it. Files are touched by `home`, `private`
and `lock` alone: client and daemon must agree on how.
"""
