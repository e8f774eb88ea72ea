"""Measurements that the project's promises rest on; each folder has its results and a README."""
