"""Error of Shapley values against time, beside other libraries'."""
