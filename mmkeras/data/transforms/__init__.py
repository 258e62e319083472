"""What is done with samples before the model."""
