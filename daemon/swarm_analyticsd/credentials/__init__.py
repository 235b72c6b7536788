"""Secrets: where they are kept, how they become a header, and how a refused one is renewed."""
