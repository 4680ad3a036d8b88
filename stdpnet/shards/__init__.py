"""Images that do not fit into memory: where they come from, features and scores of them."""

from stdpnet.shards.evaluate import check_labels as check_labels
from stdpnet.shards.evaluate import evaluate_shards as evaluate_shards
from stdpnet.shards.sources import Source as Source
from stdpnet.shards.sources import open_source as open_source
from stdpnet.shards.transform import write_features as write_features
