"""Where and when does it run? From what is asked for (sizing) over what is free (loads, offers) to a plan (scheduling)."""
