"""What `flow` asks the controller."""
