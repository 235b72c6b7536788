"""When, and how much at a time, each destination is sent its events."""
