"""Tags images with words: a task of mmkeras, outside of the package."""
