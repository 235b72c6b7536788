"""What apps hand off: guarded, screened and given to the outbox, in the order of the calls."""
