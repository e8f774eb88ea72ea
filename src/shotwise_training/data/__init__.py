"""CSV file and schema to a checked table of shots, and its splits into training and test."""
