"""Proposed settings beside an exhaustive grid."""
