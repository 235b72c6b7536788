"""Swarms Cloud: completions by agents and by swarms of agents."""
