"""Image and audio ensembles that teach each other: accuracies clean and with noise.

    STDPNET_DATA=... python analysis/tab_senses.py train OUT --seed 0 [--neurons 400]
    STDPNET_DATA=... python analysis/tab_senses.py clean OUT [--test 10000]
    STDPNET_DATA=... python analysis/tab_senses.py noise OUT [--test 2000] [--kinds ...]

``train`` teaches one model MNIST and the Free Spoken Digit Dataset in pairs of the same
class and saves it in OUT; ended and begun again it goes on. The others score all models
that are there, print Markdown and keep the numbers in OUT as JSON. Test pairs: each test
image with a random test recording of its class. Neurons are named by training pairs,
without noise.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stdpnet import FullyConnectedSTDP, MultimodalSTDP, load_dataset
from stdpnet.audio import Cochleagram
from stdpnet.datasets import add_image_noise, draw_partners, load_recordings
from stdpnet.estimators.show import track

#: Noise by modality and kind, from hardly any to too much.
LEVELS = {
    ("image", "gaussian"): (0.25, 0.5, 0.75, 1.0, 1.5),
    ("image", "salt-and-pepper"): (0.1, 0.2, 0.3, 0.4, 0.6),
    ("image", "occlusion"): (0.1, 0.2, 0.3, 0.4, 0.6),
    ("audio", "white"): (20.0, 10.0, 5.0, 0.0, -5.0),
    ("audio", "babble"): (20.0, 10.0, 5.0, 0.0, -5.0),
}
ROWS = ("image alone", "audio alone", "both, not joined", "both, joined", "shuffled")
LABELLED = 10_000
#: What noise costs one modality alone where the others are compared.
LOSS = 0.3
SAVE_EVERY = 20


@dataclass(frozen=True)
class Pairs:
    """Images and recordings that belong together, and what they are."""

    images: np.ndarray
    heard: np.ndarray
    y: np.ndarray

    def data(self, sounds: np.ndarray, n: int) -> dict[str, np.ndarray]:
        """Return the first so many as a model takes them."""
        return {"image": self.images[:n], "audio": sounds[self.heard[:n]]}


def load(seed: int) -> tuple[Pairs, Pairs]:
    """Return training and test pairs of a seed."""
    seen, heard = load_dataset("mnist"), load_dataset("fsdd")
    rng = np.random.default_rng(seed)
    made = []
    for part, number in (("train", 0), ("test", 1)):
        X, y = getattr(seen, f"X_{part}"), getattr(seen, f"y_{part}")
        order = rng.permutation(len(X))
        partners = draw_partners(
            y[order], getattr(heard, f"y_{part}"), seed=2 * seed + number
        )
        made.append(Pairs(X[order], partners, y[order]))
    return made[0], made[1]


def train(out: Path, seed: int, neurons: int, n_pairs: int) -> None:
    """Teach one model, and save it every few chunks."""
    path = out / f"senses-{neurons}-{seed}.h5"
    pairs = load(seed)[0]
    data = pairs.data(load_dataset("fsdd").X_train, n_pairs)
    if path.exists():
        model, resume = MultimodalSTDP.load(path), True
    else:
        networks = [
            ("image", FullyConnectedSTDP(neurons)),
            ("audio", FullyConnectedSTDP(neurons, image_shape=(40, 16))),
        ]
        model = MultimodalSTDP(networks, n_settle=n_pairs // 6, random_state=seed)
        resume = False
    steps = track(
        model.fit_steps(data, resume=resume),
        n_pairs,
        f"seed {seed}",
        True,
        getattr(model, "n_pairs_shown_", 0),
    )
    for number, _ in enumerate(steps, start=1):
        if number % SAVE_EVERY == 0:
            model.save(path)
    model.save(path)


def models(out: Path) -> dict[int, MultimodalSTDP]:
    """Return the models that are there, by seed."""
    found = {
        int(path.stem.rpartition("-")[2]): path
        for path in sorted(out.glob("senses-*-*.h5"))
    }
    if not found:
        raise SystemExit(f"no models in {out}; make some with 'train {out} --seed 0'")
    return {seed: MultimodalSTDP.load(path) for seed, path in found.items()}


class Scorer:
    """Accuracies of a model and of what it is compared with."""

    def __init__(self, seed: int, model: MultimodalSTDP, n_test: int) -> None:
        self.n_test = n_test
        train_pairs, self.pairs = load(seed)
        self.sounds = load_dataset("fsdd").X_test
        labelled = train_pairs.data(load_dataset("fsdd").X_train, LABELLED)
        apart = model.copy().set_params(cross_scale=0.0)
        self.compared = {"joined": model, "apart": apart, "shuffled": model.shuffled()}
        for one in self.compared.values():
            one.set_params(n_jobs=2)
            one.label(labelled, train_pairs.y[:LABELLED])

    def rows(
        self, images: np.ndarray | None = None, sounds: np.ndarray | None = None
    ) -> dict[str, float]:
        """Return the accuracy of every row, of other images or sounds if given."""
        X = self.pairs.data(self.sounds if sounds is None else sounds, self.n_test)
        if images is not None:
            X["image"] = images
        y = self.pairs.y[: self.n_test]
        joined, apart, shuffled = (
            self.compared[name] for name in ("joined", "apart", "shuffled")
        )
        return {
            "image alone": apart.score({"image": X["image"]}, y),
            "audio alone": apart.score({"audio": X["audio"]}, y),
            "both, not joined": apart.score(X, y),
            "both, joined": joined.score(X, y),
            "shuffled": shuffled.score(X, y),
        }


def clean(out: Path, n_test: int) -> None:
    """Print accuracies without noise."""
    found = []
    for seed, model in models(out).items():
        found.append(Scorer(seed, model, n_test).rows())
        print(f"seed {seed}: {found[-1]}", flush=True)
    (out / "clean.json").write_text(json.dumps(found, indent=1))
    print(f"\n| {n_test:,} test pairs, {len(found)} seeds | % |\n|---|---|")
    for name in ROWS:
        print(f"| {name} | {spread([rows[name] for rows in found])} |")


def spread(values: list[float]) -> str:
    """Return mean and standard deviation in percent."""
    deviation = 100 * np.std(values, ddof=1) if len(values) > 1 else float("nan")
    return f"{100 * np.mean(values):.2f} ± {deviation:.2f}"


def noise(out: Path, n_test: int, kinds: list[str]) -> None:
    """Print accuracies with noise on one modality, at last where it loses 30 points."""
    scorers = {seed: Scorer(seed, model, n_test) for seed, model in models(out).items()}
    file = out / "noise.json"
    found: dict[str, list[dict[str, float]]] = (
        json.loads(file.read_text()) if file.exists() else {}
    )

    def scored(modality: str, kind: str, level: float | None) -> list[dict[str, float]]:
        name = "clean" if level is None else f"{modality} {kind} {level:.4g}"
        if name not in found:
            found[name] = [
                scorer.rows(**noisy(scorer, modality, kind, level, seed))
                for seed, scorer in scorers.items()
            ]
            file.write_text(json.dumps(found, indent=1))
        cells = " | ".join(spread([one[row] for one in found[name]]) for row in ROWS)
        print(f"| {name} | {cells} |", flush=True)
        return found[name]

    print(f"| {n_test:,} test pairs | {' | '.join(ROWS)} |\n|---|{'---|' * len(ROWS)}")
    clean = scored("", "", None)
    for (modality, kind), levels in LEVELS.items():
        if kinds and kind not in kinds:
            continue
        alone = f"{modality} alone"
        kept = [mean(scored(modality, kind, level), alone) for level in levels]
        lost = mean(clean, alone) - np.array(kept)
        if lost.max() >= LOSS:
            rising = np.maximum.accumulate(lost)
            scored(modality, kind, float(np.interp(LOSS, rising, levels)))


def mean(rows: list[dict[str, float]], name: str) -> float:
    """Return the mean accuracy of a row over seeds."""
    return float(np.mean([one[name] for one in rows]))


def noisy(
    scorer: Scorer, modality: str, kind: str, level: float | None, seed: int
) -> dict[str, np.ndarray]:
    """Return images or sounds with noise; nothing without a level."""
    if level is None:
        return {}
    if modality == "image":
        images = scorer.pairs.images[: scorer.n_test]
        return {"images": add_image_noise(images, level, kind=kind, seed=seed)}
    recordings = load_recordings("fsdd").with_noise(level, kind=kind, seed=seed)
    return {"sounds": recordings.images(Cochleagram())[recordings.is_test]}


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("train", "clean", "noise"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--neurons", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=60_000)
    parser.add_argument("--test", type=int, default=None)
    parser.add_argument("--kinds", nargs="*", default=[])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.what == "train":
        train(options.out, options.seed, options.neurons, options.pairs)
    elif options.what == "clean":
        clean(options.out, options.test or 10_000)
    else:
        noise(options.out, options.test or 2000, options.kinds)


if __name__ == "__main__":
    main()
