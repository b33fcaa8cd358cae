"""Where jobs run: one module a kind of machine, all behind the same contract (`contract.py`)."""
