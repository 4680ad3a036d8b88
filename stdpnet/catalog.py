"""Find the catalogue: model specifications and data set cards.

In a wheel the catalogue is package data, in a checkout it is the top-level
folders `models/` and `datasets/`.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import resources
from pathlib import Path


def catalog_root() -> Path:
    """Return the folder that holds `models/` and `datasets/`.

    Returns
    -------
    pathlib.Path
        ``stdpnet/_catalog`` in an installed wheel, else the checkout.

    Raises
    ------
    FileNotFoundError
        If neither place has a `datasets/` folder.
    """
    package = Path(str(resources.files("stdpnet")))
    for root in (package / "_catalog", package.parent):
        if (root / "datasets").is_dir():
            return root
    raise FileNotFoundError(
        f"no catalogue beside {package}; install stdpnet again, or run it from a checkout"
    )


def spec_names() -> tuple[str, ...]:
    """Return the names of the model specifications, sorted."""
    return _names("models")


def card_names() -> tuple[str, ...]:
    """Return the names of the data set cards, sorted."""
    return _names("datasets")


def spec_path(name: str) -> Path:
    """Return the TOML file of the model specification `name`.

    Raises
    ------
    ValueError
        If the catalogue has no such specification; the message lists them.
    """
    return _path("models", "model", name)


def card_path(name: str) -> Path:
    """Return the TOML file of the data set card `name`.

    Raises
    ------
    ValueError
        If the catalogue has no such card; the message lists them.
    """
    return _path("datasets", "data set", name)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for a name that is not in a list.

    Parameters
    ----------
    kind : str
        What the name stands for, such as ``"data set"``.
    name : str
        What was asked for.
    known : iterable of str
        What exists.

    Returns
    -------
    str
        One line with the known names and, if one is near, a proposal.
    """
    choices = list(known)
    message = f"unknown {kind} {name!r}; known: {', '.join(choices) or 'none'}"
    near = get_close_matches(name, choices, n=1)
    return f"{message}. Did you mean {near[0]!r}?" if near else message


def _names(folder: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (catalog_root() / folder).glob("*.toml")))


def _path(folder: str, kind: str, name: str) -> Path:
    known = _names(folder)
    if name not in known:
        raise ValueError(unknown_name(kind, name, known))
    return catalog_root() / folder / f"{name}.toml"
