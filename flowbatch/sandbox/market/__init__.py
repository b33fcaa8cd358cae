"""The auction and its ledger: pure, by a seed and a clock that others move."""
