"""Golden cases: frozen outputs of a network, and checks that it still computes them."""
