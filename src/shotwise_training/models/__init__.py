"""Fit the models: imputation, scaling, autoencoder, booster, calibration, history head, defect types."""
