"""Buying: what a job needs becomes a bid that fits a cap, a budget and a lease."""
