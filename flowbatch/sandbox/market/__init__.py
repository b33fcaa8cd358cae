"""The auction, its ledger and its clock, pure: a seed and the instants come in, happenings come out. Start with `engine.Market`."""
