"""Bootstrap confidence intervals and tests."""
