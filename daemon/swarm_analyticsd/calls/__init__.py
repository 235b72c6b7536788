"""Calls that return an answer: brokered, never queued, repeated only where the contract makes it safe."""
