"""From leased rows to requests, from answers to verdicts: pure, but for `send`."""
