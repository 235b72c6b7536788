"""The durable queue: what was accepted, until its end is known."""
