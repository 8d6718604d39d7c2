"""What is written to disk appears whole or not at all, and is known again: files, weights with their card, checkpoints."""
