"""Files that appear whole or not at all, weights with their card, checkpoints that know what they belong to."""
