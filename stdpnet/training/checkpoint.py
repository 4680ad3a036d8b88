"""What an unfinished run has learned, so that it can go on after a kill."""

from stdpnet.estimators.learner import Learner
from stdpnet.estimators.spec import read_estimator
from stdpnet.runs import RunFolder, open_hdf5

CHECKPOINT = "checkpoint.h5"


def write_checkpoint(
    folder: RunFolder, banks: dict[str, Learner], fit_seconds: float
) -> None:
    """Write the banks that have started to learn, and how long that took."""
    with folder.writing(CHECKPOINT) as file:
        file.attrs["fit_seconds"] = fit_seconds
        for name, bank in banks.items():
            if bank.has_started:
                bank.write_to(file.require_group(name))


def read_checkpoint(folder: RunFolder) -> tuple[dict[str, Learner], float]:
    """Return what `write_checkpoint` wrote, nothing if there is no checkpoint.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    path = folder.path / CHECKPOINT
    if not path.exists():
        return {}, 0.0
    with open_hdf5(path) as file:
        banks = {name: read_estimator(file[name]) for name in file}
        return banks, float(file.attrs.get("fit_seconds", 0.0))


def n_images_learned(folder: RunFolder) -> int:
    """Return how many images the banks of an unfinished run have been shown."""
    banks, _ = read_checkpoint(folder)
    return sum(bank.n_images_shown_ for bank in banks.values())
