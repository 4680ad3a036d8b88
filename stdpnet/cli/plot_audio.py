"""``stdpnet plot audio``: what a network hears of a sound, as a figure."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from stdpnet.cli.options import JsonOption, examples, file_option
from stdpnet.cli.output import print_json, print_pairs
from stdpnet.cli.plot_models import ENDINGS, SeedOption, SetOption

OutOption = Annotated[
    Path | None,
    file_option(
        f"Picture to write; its ending ({', '.join(ENDINGS)}) says the format "
        "(default: the sound's name with .png, in this folder)."
    ),
]


def audio(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Sound: WAV, FLAC or OGG.")
    ],
    settings: SetOption = None,
    out: OutOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Draw a sound, its cochleagram and Poisson spikes of the channels over time.

    The cochleagram has a slice every 10 ms; --set n_slices=16 shows it as data sets
    do, and other parameters of Cochleagram can be set as well.
    """
    path = Path(f"{file.stem}.png") if out is None else out
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path} must end in {', '.join(ENDINGS)}; rename it")
    numbers = _measured(file, settings or [], seed)
    from stdpnet.analysis.drawing import save_drawing
    from stdpnet.analysis.sound_plots import draw_sound

    save_drawing(draw_sound(numbers), path)
    if json:
        print_json({"path": path, **numbers.to_dict()})
        return
    height, width = numbers.image.shape
    print_pairs(
        {
            "figure": path,
            "sound": f"{numbers.end - numbers.begin:.2f} of "
            f"{len(numbers.wave) / numbers.rate:.2f} s, {height} channels, "
            f"{width} slices, {len(numbers.spike_times)} spikes",
        }
    )


def _measured(file: Path, settings: list[str], seed: int) -> Any:
    from dataclasses import replace

    from stdpnet.analysis.sound_numbers import fine_front, measure_sound
    from stdpnet.audio import Cochleagram, read_sound
    from stdpnet.specs import read_settings

    changes = read_settings(settings)
    Cochleagram.check_names(changes)
    asked = Cochleagram(**changes)
    wave, rate = read_sound(file)
    if "n_slices" not in changes:
        asked = replace(asked, n_slices=fine_front(wave, rate, asked).n_slices)
    return measure_sound(wave, rate, name=file.name, front=asked, seed=seed)


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "audio": (
        audio,
        examples(
            "stdpnet plot audio seven.wav",
            "stdpnet plot audio seven.wav --set n_slices=16 -o seven.svg",
        ),
    )
}
