"""Mount a receiver in a web framework: one flat module for each."""
