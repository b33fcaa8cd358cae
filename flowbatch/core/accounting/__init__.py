"""Who computes on whose account, within which limits."""
