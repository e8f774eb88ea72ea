"""What is fitted: imputation, scaling, autoencoder, booster, calibration, history head, defect types."""
