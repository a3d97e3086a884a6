"""Forms of models: what people bring becomes a plain functional graph, before training and before conversion.

`plain` makes a model that can be trained: no models within models, lists and not dictionaries, fixed sizes, layers and
not operators. `single_use` makes the model that is converted from the trained one: each layer is used once.
"""

from __future__ import annotations

from trigcnn.models.forms.plain import fixed_shapes, flattened, output_keys, plain, single_use
from trigcnn.models.forms.same import check_same
from trigcnn.models.forms.walk import Form

__all__ = ["Form", "check_same", "fixed_shapes", "flattened", "output_keys", "plain", "single_use"]
