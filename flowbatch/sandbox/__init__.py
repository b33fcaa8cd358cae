"""A market at home: Mithril's API served on this machine, with an auction, a ledger and instances that really run."""
