"""The sizes of a network, layer by layer: windows, receptive fields, numbers of weights and products.

`geometry` reads them from a Keras model, trained or not.
"""

from trigcnn.models.geometry.axis import Axis
from trigcnn.models.geometry.network import Dense, LayerGeometry, ReceptiveField, geometry, refuse_dropped

__all__ = ["Axis", "Dense", "LayerGeometry", "ReceptiveField", "geometry", "refuse_dropped"]
