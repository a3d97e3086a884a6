"""QKeras model to its normal form: the same function, of few kinds of layers with constant weights.

`rewrite` walks the model's layers; `rules` says what becomes of each; `proof` holds the outcome against the model.
"""
