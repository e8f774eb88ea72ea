"""Measurements behind the project's claims; each folder has its results and a README."""
