"""The shell around the rules: loop, socket, orders carried out, recovery, life and death."""
