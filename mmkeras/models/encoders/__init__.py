"""Image and text encoders by name."""
