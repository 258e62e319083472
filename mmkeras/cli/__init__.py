"""The `mmkeras` command, thin over the other rooms."""
