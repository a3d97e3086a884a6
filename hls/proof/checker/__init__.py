"""The part that decides: it checks claims about a netlist, and knows nothing of how they were found."""
