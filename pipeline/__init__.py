"""How a run goes: configuration, stages, verification and reports."""
