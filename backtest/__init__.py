"""The scanners replayed over history as trades with costs, and the figures of it."""
