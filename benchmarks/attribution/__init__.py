"""Measure the error of Shapley values against time, ours and those of other libraries."""
