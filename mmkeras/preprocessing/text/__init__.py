"""Tokenizers and what they need."""
