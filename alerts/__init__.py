"""Rules and senders that turn events into messages."""
