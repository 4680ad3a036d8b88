"""The catalogue is found in a wheel and in a checkout; names are proposed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stdpnet import catalog

PACKAGE = Path(catalog.__file__).parent


def _catalog_root_of(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from stdpnet.catalog import catalog_root; print(catalog_root())"
    return subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=os.environ | {"PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def site(tmp_path):
    """A folder as pip would leave it, with only the catalogue module."""
    (tmp_path / "stdpnet").mkdir()
    (tmp_path / "stdpnet" / "__init__.py").touch()
    shutil.copy(PACKAGE / "catalog.py", tmp_path / "stdpnet")
    return tmp_path


def test_checkout_holds_the_catalogue():
    assert catalog.catalog_root() == PACKAGE.parent


def test_wheel_holds_the_catalogue(site):
    packaged = site / "stdpnet" / "_catalog"
    (packaged / "datasets").mkdir(parents=True)
    (site / "datasets").mkdir()

    assert _catalog_root_of(site).stdout.strip() == str(packaged)


def test_missing_catalogue_is_one_clear_error(site):
    error = _catalog_root_of(site).stderr.strip().splitlines()[-1]
    assert error.startswith("FileNotFoundError: no catalogue beside")
    assert "install stdpnet again" in error


def test_names_are_the_files(tmp_path, monkeypatch):
    for name in ("models/b", "models/a", "datasets/c"):
        path = tmp_path / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "models" / "README.md").touch()
    monkeypatch.setattr(catalog, "catalog_root", lambda: tmp_path)

    assert catalog.spec_names() == ("a", "b")
    assert catalog.card_names() == ("c",)
    assert catalog.spec_path("a") == tmp_path / "models" / "a.toml"
    assert catalog.card_path("c") == tmp_path / "datasets" / "c.toml"


def test_unknown_card_proposes_the_nearest():
    with pytest.raises(
        ValueError,
        match=r"^unknown data set 'mnits'; known: .*mnist.*\. Did you mean 'mnist'\?$",
    ):
        catalog.card_path("mnits")


def test_unknown_spec_is_named():
    with pytest.raises(ValueError, match=r"^unknown model 'zzzz'; known: "):
        catalog.spec_path("zzzz")


def test_name_is_not_a_path():
    with pytest.raises(ValueError, match="unknown data set"):
        catalog.card_path("../datasets/mnist")


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (["alpha", "beta"], "unknown rule 'zz'; known: alpha, beta"),
        ([], "unknown rule 'zz'; known: none"),
    ],
)
def test_unknown_name_without_a_neighbour(known, message):
    assert catalog.unknown_name("rule", "zz", known) == message
