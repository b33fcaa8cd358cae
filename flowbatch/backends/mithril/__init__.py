"""The market: Mithril's API, its bids, and the machines that they win."""
