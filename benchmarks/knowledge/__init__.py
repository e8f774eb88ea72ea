"""How well, and how fast, passages are found by words."""
