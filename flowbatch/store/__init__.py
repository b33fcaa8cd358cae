"""Remembering: journal and rows in one synced transaction a step."""
