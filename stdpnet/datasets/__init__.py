"""Images and sounds to learn from: published data sets and the user's own."""

from stdpnet.datasets.cards import Card as Card
from stdpnet.datasets.cards import CardFile as CardFile
from stdpnet.datasets.cards import load_card as load_card
from stdpnet.datasets.dataset import Dataset as Dataset
from stdpnet.datasets.dataset import DataWarning as DataWarning
from stdpnet.datasets.download import DownloadError as DownloadError
from stdpnet.datasets.files import DamagedFileError as DamagedFileError
from stdpnet.datasets.loading import load_dataset as load_dataset
from stdpnet.datasets.loading import load_recordings as load_recordings
from stdpnet.datasets.noise import add_image_noise as add_image_noise
from stdpnet.datasets.pairing import draw_partners as draw_partners
from stdpnet.datasets.places import Listing as Listing
from stdpnet.datasets.places import check as check
from stdpnet.datasets.places import fetch as fetch
from stdpnet.datasets.places import list_datasets as list_datasets
from stdpnet.datasets.reading import FileCheck as FileCheck
from stdpnet.datasets.sounds import from_recordings as from_recordings
