"""Ensembles of several senses that excite each other."""

from stdpnet.estimators.multimodal.estimator import MultimodalSTDP as MultimodalSTDP
