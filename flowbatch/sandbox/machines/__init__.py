"""Instances: processes of this machine with a root view of their own."""
