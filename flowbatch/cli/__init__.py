"""The flow command: words in, tables or JSON out; talks to the sdk alone."""
