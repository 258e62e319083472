"""Bootstrap and confidence intervals."""
