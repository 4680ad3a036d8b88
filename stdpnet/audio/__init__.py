"""Sounds: files to waveforms, waveforms to images that every network takes."""

from stdpnet.audio.cepstrum import MelCepstrum as MelCepstrum
from stdpnet.audio.cochleagram import Cochleagram as Cochleagram
from stdpnet.audio.front import Front as Front
from stdpnet.audio.gammatone import erb_space as erb_space
from stdpnet.audio.gammatone import gammatone_sections as gammatone_sections
from stdpnet.audio.noise import add_noise as add_noise
from stdpnet.audio.reading import SoundError as SoundError
from stdpnet.audio.reading import read_sound as read_sound
from stdpnet.audio.recordings import Recordings as Recordings
from stdpnet.audio.synthetic import synthetic_digits as synthetic_digits
from stdpnet.audio.waves import resample as resample
from stdpnet.audio.waves import sounding_part as sounding_part
