"""One contract for all cards, and the dataset that loaders return."""

import re
import string

import numpy as np
import pytest

from stdpnet import catalog
from stdpnet.datasets import Dataset, load_card
from stdpnet.datasets.places import FORMATS

CARDS = catalog.card_names()
DIGEST_LENGTHS = {"md5": 32, "sha256": 64, "content_sha256": 64}


def test_the_promised_data_sets_have_cards():
    assert {"digits", "mnist", "fashion-mnist", "cifar10"} <= set(CARDS)
    assert {"fsdd", "ti46", "synthetic-digits"} <= set(CARDS)


@pytest.mark.parametrize("name", CARDS)
def test_card_says_what_a_user_must_know(name):
    card = load_card(name)
    assert card.name == name
    assert card.format in FORMATS
    assert re.search(r"(19|20)\d\d", card.citation)
    assert card.title
    assert card.licence
    assert card.source.startswith("http")
    assert len(set(card.classes)) == len(card.classes) == 10
    assert len(card.image_shape) in (2, 3)
    assert min(card.image_shape[:2]) >= 8


@pytest.mark.parametrize("name", CARDS)
def test_card_can_verify_what_it_downloads(name):
    card = load_card(name)
    assert bool(card.files) == bool(card.url) == bool(card.digest_source)
    assert card.embedded == (not card.files and not card.obtain)
    if card.files:
        assert re.fullmatch(r"https?://\S+/", card.url)
    for entry in card.files:
        assert entry.digest is not None
        for algorithm, length in DIGEST_LENGTHS.items():
            value = getattr(entry, algorithm)
            assert set(value) <= set(string.hexdigits.lower())
            assert len(value) in (0, length)


def test_strongest_digest_is_used():
    entry = load_card("mnist").files[0]
    assert entry.digest == ("sha256", entry.sha256)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel = 'x'", r"^c\.toml: unknown key 'titel'; known: .*mean 'title'\?$"),
        ("title = 'x'", r"^c\.toml: .*missing.*'name'"),
        ("[[files]]\nnam = 'x'", r"^c\.toml: unknown key 'nam'; .*mean 'name'\?$"),
    ],
)
def test_bad_card_is_named(text, message, tmp_path, monkeypatch):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "c.toml").write_text(text)
    monkeypatch.setattr(catalog, "catalog_root", lambda: tmp_path)
    with pytest.raises(ValueError, match=message):
        load_card("c")


def _dataset(**changes):
    parts = {
        "name": "toy",
        "X_train": np.zeros((3, 8, 8), np.uint8),
        "y_train": np.array([0, 1, 1]),
        "X_test": np.zeros((2, 8, 8), np.uint8),
        "y_test": np.array([0, 1]),
        "class_names": ("a", "b"),
        "max_value": 255.0,
    }
    return Dataset(**(parts | changes))


def test_dataset_is_read_only_and_leaves_the_callers_array_alone():
    images = np.zeros((3, 8, 8), np.uint8)
    data = _dataset(X_train=images)
    with pytest.raises(ValueError, match="read-only"):
        data.X_train[0] = 1
    images[0] = 1
    assert images.flags.writeable


def test_dataset_shows_its_size():
    assert repr(_dataset()) == (
        "Dataset('toy', 3 training and 2 test images of shape (8, 8), uint8, 2 classes)"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"y_train": np.array([0, 1])},
            "^toy: train part must have one label an image, got 3 images and 2 labels",
        ),
        (
            {"y_test": np.array([0, 2])},
            r"^toy: y_test must lie in 0\.\.1, got 2 at record 1",
        ),
        (
            {"X_test": np.zeros((2, 9, 8), np.uint8)},
            r"^toy: training and test images must be alike, got \(8, 8\) uint8 and",
        ),
        (
            {"X_test": np.zeros((2, 8, 8), np.float32)},
            "^toy: training and test images must be alike, .*float32",
        ),
    ],
)
def test_dataset_refuses_parts_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        _dataset(**changes)
