"""Networks, their loss and post-processing, their weights, and the Detector that people use."""

from nets import ssd_300_lite, ssd_mobilenet_v2, ssd_vgg
from nets.network import Network

_ALL = (ssd_300_lite.NETWORK, *ssd_mobilenet_v2.NETWORKS, *ssd_vgg.NETWORKS)
NETWORKS: dict[str, Network] = {network.name: network for network in _ALL}


def get_network(name: str) -> Network:
    """The network of that name; ValueError, which lists those there are: there is none."""
    if name not in NETWORKS:
        raise ValueError(f"There is no network {name!r}. Choose one of: {', '.join(sorted(NETWORKS))}.")
    return NETWORKS[name]
