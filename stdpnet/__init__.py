"""Unsupervised STDP in shallow spiking networks, at native speed."""

__version__ = "0.1.0"
