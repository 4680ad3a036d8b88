"""Convolutional layers on top of each other, learned one after the other."""

from stdpnet.estimators.stack.stack import ConvStack as ConvStack
