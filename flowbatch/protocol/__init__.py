"""Frames between client and controller, and between controller and node. Standard library only."""
