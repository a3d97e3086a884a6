"""What other projects take: a network's emulator as sources of their own language."""
