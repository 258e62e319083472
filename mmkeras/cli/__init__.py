"""The `mmkeras` command."""
