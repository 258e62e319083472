"""Tokenizers, and fonts that can draw their text."""
