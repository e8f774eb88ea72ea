"""Find what in a table would make a model look better than it is: repeated rows, runs, columns that leak the label."""
