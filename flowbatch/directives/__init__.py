"""Text to spec: scripts, command lines and environments become a JobSpec, by grammars and one option table."""
