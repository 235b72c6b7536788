"""OpenSpawn: agents, their tasks, credits, messages and events."""
