"""Networks behind scikit-learn's fit and transform, one file a network."""
