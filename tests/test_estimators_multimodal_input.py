"""`MultimodalSTDP`: every error names what was wrong, and the way out."""

import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from stdpnet import MultimodalSTDP
from stdpnet.compression import PruningSchedule


@pytest.fixture(scope="module")
def fitted(two_senses, pairs) -> MultimodalSTDP:
    return two_senses(n_epochs=2).fit(pairs)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"cross_rule": "hebb"},
            "cross_rule must be a PlasticityRule or None, got 'he",
        ),
        ({"cross_total": 0}, "cross_total must be a number > 0, or a dict of .* got 0"),
        ({"cross_scale": -1}, "cross_scale must be a number >= 0, got -1"),
        ({"n_epochs": 0}, "n_epochs must be an integer >= 1, got 0"),
        ({"n_settle": -1}, "n_settle must be an integer >= 0, got -1"),
        ({"n_jobs": 0}, "n_jobs must be None or an integer other than 0, got 0"),
        ({"backend": "gpu"}, "MultimodalSTDP.backend 'gpu'"),
        ({"image": {"n_neurons": 0}}, "modality 'image': FullyConnectedSTDP.n_neurons"),
        ({"audio": {"dt": "1 ms"}}, "same dt, got '?0.5 ms'? in 'image' and '1 ms' in"),
        (
            {"audio": {"presentation": "150 ms"}},
            "same presentation, got '100 ms' in 'image' and '150 ms' in 'audio'",
        ),
        ({"audio": {"dtype": "float64"}}, "same dtype, got 'float32' in 'image' and"),
        (
            {"image": {"pruning": PruningSchedule()}},
            "modality 'image': FullyConnectedSTDP.pruning must be None in a Multimodal",
        ),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(
    two_senses, pairs, changed, message
):
    with pytest.raises(ValueError, match=message):
        two_senses(**changed).fit(pairs)


@pytest.mark.parametrize(
    ("modalities", "message"),
    [
        ("image", "must be a list of two or more pairs .name, network., got 'image'"),
        ([("image", None)], "must be a list of two or more pairs"),
        ([("an image", None)] * 2, "must be letters and digits, got 'an image'"),
        ([("a_b", None)] * 2, "must be letters and digits, got 'a_b'"),
        (
            [("image", PCA())] * 2,
            "'image' must be a ConvSTDP or a FullyConn.*, got PCA",
        ),
    ],
)
def test_modalities_that_cannot_be_joined_are_refused(modalities, message, pairs):
    with pytest.raises(ValueError, match=message):
        MultimodalSTDP(modalities).fit(pairs)


def test_a_name_that_is_taken_is_refused(dense, pairs):
    with pytest.raises(ValueError, match="the name 'image' is taken twice; rename"):
        MultimodalSTDP([("image", dense()), ("image", dense())]).fit(pairs)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            lambda p: p["image"],
            "X must be a dict with the data of image, audio, got nda",
        ),
        (lambda p: {}, "X must be a dict with the data of image, audio, got an empty"),
        (lambda p: {**p, "vide": p["image"]}, "unknown modality 'vide'"),
        (
            lambda p: {"image": p["image"]},
            "no data for modality 'audio'; it learns from",
        ),
        (
            lambda p: {**p, "audio": p["audio"][:7]},
            "equally many examples, got 150 of 'image', 7 of 'audio'; rows of one index",
        ),
        (lambda p: {**p, "audio": p["audio"][:0]}, "no data for modality 'audio'"),
        (
            lambda p: {**p, "audio": -p["audio"].astype(float)},
            "modality 'audio': Negative values in data passed to FullyConnectedSTDP",
        ),
    ],
)
def test_data_that_do_not_fit_are_refused(two_senses, pairs, data, message):
    with pytest.raises(ValueError, match=message):
        two_senses().fit(data(pairs))


def test_what_needs_learning_says_so(two_senses, fitted, pairs):
    with pytest.raises(NotFittedError):
        two_senses().transform(pairs)
    with pytest.raises(NotFittedError, match="has no labels yet; call 'label' with"):
        fitted.predict(pairs)
    with pytest.raises(
        ValueError, match="one label for each pair, got 3 for 150 of 'i"
    ):
        fitted.label(pairs, [1, 2, 3])
    with pytest.raises(ValueError, match="modality 'image': X has images of shape"):
        fitted.transform({"image": pairs["image"][:, :4]})


def test_files_that_hold_no_model_are_refused(fitted, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        MultimodalSTDP.load(tmp_path / "no.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(ValueError, match=r"text\.h5 is not a saved MultimodalSTDP"):
        MultimodalSTDP.load(tmp_path / "text.h5")
    path = fitted.members_["image"].save(tmp_path / "one.h5")
    with pytest.raises(
        ValueError, match="holds a FullyConnectedSTDP, not a MultimodalSTDP"
    ):
        MultimodalSTDP.load(path)
