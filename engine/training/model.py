"""A network with its loss: what Keras fits."""

import keras

from boxes.matching import assign_targets
from engine.training.options import LossOptions
from nets.losses import multibox_loss
from nets.network import Network


class TrainingModel(keras.Model):
    """A network with its loss: what Keras fits."""

    def __init__(self, network: Network, model: keras.Model, options: LossOptions | None = None):
        super().__init__(name="training")
        self.network, self.model = network, model
        self._options = options or LossOptions()
        self._parts = {name: keras.metrics.Mean(name) for name in ("loss", "boxes", "names", "background")}

    @property
    def metrics(self):
        return list(self._parts.values())

    def reset_metrics(self):
        """Nothing: Keras does it whenever it starts to fit, but what a stopped training showed goes on."""

    def forget_means(self):
        """Start the means of the losses anew."""
        super().reset_metrics()

    def call(self, images, training=None):
        return self.model(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        assert y is not None
        assert y_pred is not None
        options = self._options
        targets = assign_targets(
            self.network.anchors, y["boxes"], y["classes"], threshold=options.match_threshold
        )
        loss, parts = multibox_loss(
            y_pred["codes"],
            y_pred["logits"],
            targets,
            anchors=self.network.anchors,
            box_weight=options.loss_alpha,
            box_loss=options.box_loss,
            negative_ratio=options.negative_ratio,
            label_smoothing=options.label_smoothing,
            focal=(options.focal_gamma, options.focal_alpha) if options.loss == "focal" else None,
        )
        for name, value in {"loss": loss, **parts}.items():
            self._parts[name].update_state(value)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()
