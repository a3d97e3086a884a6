"""From a QKeras model to its normal form: the same function, with few kinds of layers and constant weights.

`rewrite` walks the model's layers; `rules` says what becomes of each; `check` compares the outcome with the model.
"""
