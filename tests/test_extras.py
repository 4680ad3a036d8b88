"""Packages that only some uses need."""

import pytest

from stdpnet.extras import MissingExtraError, require


def test_what_is_installed_is_enough():
    require("sweep", "numpy", "json")


def test_what_is_missing_is_named_with_what_installs_it():
    with pytest.raises(
        MissingExtraError,
        match=r"this needs no_such_a and no_such_b; install with pip install 'stdpnet\[sweep\]'",
    ):
        require("sweep", "numpy", "no_such_a", "no_such_b")
