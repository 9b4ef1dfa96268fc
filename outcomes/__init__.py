"""What becomes of a signal: filled or not, target, stop, time limit; pure, no I/O, no clock."""
