"""Workers on this machine or on others, by Dask."""

from stdpnet.cluster.cluster import ClusterError as ClusterError
from stdpnet.cluster.cluster import check_workers as check_workers
from stdpnet.cluster.cluster import given as given
from stdpnet.cluster.cluster import local_cluster as local_cluster
from stdpnet.cluster.cluster import quieten as quieten
from stdpnet.cluster.cluster import remote_cluster as remote_cluster
from stdpnet.cluster.local import LOOPBACK as LOOPBACK
from stdpnet.cluster.local import LocalWorkers as LocalWorkers
