"""`SparseAutoencoder`, its encoder and decoder, scaling, and its scikit-learn face."""
