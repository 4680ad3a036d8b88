"""Compiled programs on their way to another machine."""

import numpy as np

from stdpnet.engine import cache
from stdpnet.engine.shipping import install, packed


def test_a_program_that_was_sent_runs_and_is_not_compiled_again(
    conv, images, fitted_once, tmp_path, monkeypatch
):
    program = fitted_once.program(fitted_once.layer())
    sent = packed(program)
    assert sent is not None
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path))
    assert install(*sent)
    assert not install(*sent)
    (found,) = cache.list_programs()
    assert found.key == program.folder.name
    again = conv().fit(images)
    assert again.build_seconds_ == 0
    assert again.program(again.layer()).folder.parent == tmp_path / "programs"
    assert np.array_equal(again.kernels_, fitted_once.kernels_)


def test_what_is_not_compiled_is_not_sent(conv, images):
    network = conv(backend="numpy").fit(images[:4])
    assert packed(network.program(network.layer())) is None
