"""The vectorized mathematics and random numbers of compiled programs."""

import subprocess

import numpy as np
import pytest

from stdpnet.engine.compiler import EXACT_FLAGS, FLAGS, find_compiler
from stdpnet.engine.native import TEMPLATES

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler")

#: Reads pairs of float from standard input, writes power and exponential of each, then
#: a million random numbers of either type, taken in pieces of changing length.
PROGRAM = """
#include "stdpnet_math.h"
template <typename T>
void draw() {
  stdpnet::Uniforms<T> all(7);
  for (size_t left = 1000000, n = 1; left > 0; n = std::min(left, n % 5000 + 7)) {
    std::fwrite(all.take(n), sizeof(T), n, stdout);
    left -= n;
  }
}
int main() {
  std::vector<float> pairs(2), out;
  while (std::fread(pairs.data(), sizeof(float), 2, stdin) == 2) {
    out.push_back(stdpnet::pow(pairs[0], pairs[1]));
    out.push_back(stdpnet::exp(pairs[0]));
  }
  std::fwrite(out.data(), sizeof(float), out.size(), stdout);
  draw<float>();
  draw<double>();
}
"""
N = 1_000_000
EXPONENTS = (0.0, 0.02, 0.5, 0.9, 1.0, 1.7, 2.0, 3.0, -1.0, -0.3)
BASES = np.concatenate(
    [np.linspace(0, 2, 2001), np.geomspace(1e-30, 80, 500), [-0.5, -1, -2, -85, np.nan]]
)


@pytest.fixture(scope="module", params=[FLAGS, EXACT_FLAGS], ids=["fast", "exact"])
def output(request, tmp_path_factory):
    """Return pairs, their powers, their exponentials and random numbers."""
    folder = tmp_path_factory.mktemp("math")
    (folder / "main.cpp").write_text(PROGRAM)
    command = [*find_compiler().command, *request.param.split(), f"-I{TEMPLATES}"]
    subprocess.run(
        [*command, "main.cpp", "-o", "main"], cwd=folder, check=True, timeout=120
    )
    pairs = np.array([(x, y) for x in BASES for y in EXPONENTS], np.float32)
    written = subprocess.run(
        [folder / "main"], input=pairs.tobytes(), capture_output=True, check=True
    ).stdout
    results = np.frombuffer(written[: pairs.nbytes], np.float32).reshape(-1, 2)
    rest = written[pairs.nbytes :]
    floats = np.frombuffer(rest[: 4 * N], np.float32)
    return pairs.astype(float), results, floats, np.frombuffer(rest[4 * N :])


def assert_close(found, expected, exponent) -> None:
    """An error of one in ten million for each e-fold of the result, as of rounding."""
    largest, smallest = np.finfo(np.float32).max, np.finfo(np.float32).tiny
    held = (np.abs(expected) > 1.1 * smallest) & (np.abs(expected) < 0.9 * largest)
    held &= ~np.isnan(found)
    error = np.abs(found[held] / expected[held] - 1)
    assert (error < 2e-7 * (1 + np.abs(np.nan_to_num(exponent[held])))).all()
    tiny = np.abs(expected) <= smallest
    assert (np.abs(found[tiny]) < 2 * smallest).all()


def test_powers_and_exponentials_are_those_of_numpy(output):
    pairs, results, *_ = output
    with np.errstate(all="ignore"):
        x, y = pairs.T
        expected = np.power(x, y)
        assert_close(results[:, 0], expected, y * np.log(np.abs(x)))
        assert_close(results[:, 1], np.exp(x), x)
    undefined = np.isnan(expected) | (np.isnan(x) & (y == 0))
    np.testing.assert_array_equal(np.isnan(results[:, 0]), undefined)
    assert np.isinf(results[(x == 0) & (y < 0), 0]).all()


@pytest.mark.parametrize("which", [2, 3], ids=["float32", "float64"])
def test_random_numbers_are_uniform_and_independent(output, which):
    u = output[which].astype(float)
    assert len(u) == N
    assert u.min() >= 0
    assert u.max() < 1
    # Each statistic within five standard errors of its value.
    counts = np.histogram(u, bins=100, range=(0, 1))[0]
    chi2 = ((counts - N / 100) ** 2 / (N / 100)).sum()
    assert abs(chi2 - 99) < 5 * np.sqrt(2 * 99)
    centred = (u - 0.5) * np.sqrt(12)
    for lag in (1, 2, 3, 7, 15, 16, 17, 32, 2048):
        assert abs(np.mean(centred[:-lag] * centred[lag:])) < 5 / np.sqrt(N - lag)
    assert len(np.unique(u)) > (0.9 * N if which == 2 else N - 1)
