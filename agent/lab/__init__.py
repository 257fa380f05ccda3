"""A campus that speaks real protocols on loopback: what the demo shows and the tests ask."""
