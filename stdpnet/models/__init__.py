"""Neurons, rules, geometries and networks: every equation, no run, no plot."""
