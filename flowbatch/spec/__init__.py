"""What was asked: frozen values, with no opinion on whether it can be had."""
