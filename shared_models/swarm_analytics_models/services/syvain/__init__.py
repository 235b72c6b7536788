"""Syvain Metrics: experiments, their metrics and annotations."""
