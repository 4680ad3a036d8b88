"""From a described network to a program that runs, chunk after chunk."""
