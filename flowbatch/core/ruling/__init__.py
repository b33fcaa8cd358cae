"""What administrators say: of nodes, partitions and reservations."""
