"""The Python API behind import flowbatch: a client of the controller's socket."""
