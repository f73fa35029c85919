"""Networks, their loss and post-processing, their weights, and the Detector that people use."""

from nets import ssd_300_lite, ssd_300_mobilenet_v2, ssd_300_vgg, ssd_512_vgg
from nets.network import Network

NETWORKS: dict[str, Network] = {
    module.NETWORK.name: module.NETWORK
    for module in (ssd_300_lite, ssd_300_mobilenet_v2, ssd_300_vgg, ssd_512_vgg)
}


def get_network(name: str) -> Network:
    """The network of that name.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    if name not in NETWORKS:
        raise ValueError(f"There is no network {name!r}. Choose one of: {', '.join(sorted(NETWORKS))}.")
    return NETWORKS[name]
