"""Several data sets as one: partners, rows, and what does not belong together."""

from dataclasses import replace

import numpy as np
import pytest

from stdpnet.datasets import load_dataset
from stdpnet.datasets.paired import load_pairs, pair


@pytest.fixture(scope="module")
def parts():
    seen = load_dataset("digits")
    # Another order, other numbers: names say what a class is.
    names = tuple("9876543210")
    turned = {
        f"{kind}_{part}": getattr(seen, f"{kind}_{part}")[::-1]
        for kind in "Xy"
        for part in ("train", "test")
    }
    turned["y_train"], turned["y_test"] = (
        9 - turned["y_train"],
        9 - turned["y_test"],
    )
    return {
        "image": seen,
        "audio": replace(seen, name="heard", class_names=names, **turned),
    }


def test_pairs_are_of_one_class_within_training_and_test(parts):
    paired = pair(parts, seed=3)
    assert paired.name == "digits+heard"
    for part in ("train", "test"):
        X, y = getattr(paired, f"X_{part}"), getattr(paired, f"y_{part}")
        assert len(X) == len(y)
        heard = parts["audio"]
        rows = X.rows["audio"]
        named = np.array(heard.class_names)[getattr(heard, f"y_{part}")[rows]]
        assert np.array_equal(named.astype(int), y)
        assert np.array_equal(X.arrays()["audio"], getattr(heard, f"X_{part}")[rows])
        assert np.array_equal(
            X[5:9].arrays()["image"], parts["image"].__dict__[f"X_{part}"][5:9]
        )


def test_the_seed_draws_other_partners(parts):
    one, same, other = (pair(parts, seed=s).X_test.rows["audio"] for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_names_of_data_sets_are_in_the_order_of_the_modalities():
    paired = load_pairs("digits+synthetic-digits", ["image", "audio"])
    assert paired.image_shape == {"image": (8, 8), "audio": (40, 16)}
    assert paired.class_names == tuple("0123456789")
    assert paired.notes[0].startswith("Pairs are of the same class")


def test_one_data_set_for_each_modality():
    message = (
        r"has the modalities image, audio; give --dataset one for each .* got 'digits'"
    )
    with pytest.raises(ValueError, match=message):
        load_pairs("digits", ["image", "audio"])


def test_data_without_labels_have_no_partners(parts):
    blind = replace(parts["audio"], y_train=None, y_test=None, class_names=())
    with pytest.raises(ValueError, match="modality 'audio': heard has no labels, so"):
        pair({**parts, "audio": blind})


def test_a_class_that_nobody_shares_is_named(parts):
    names = ("nine", *parts["audio"].class_names[1:])
    other = replace(parts["audio"], class_names=names)
    message = (
        "class '9' of digits has no partner among the train examples of heard, whose"
    )
    with pytest.raises(ValueError, match=message):
        pair({**parts, "audio": other})
