"""What the cases know about a dispute: reports inside, earlier placements, what-if."""
