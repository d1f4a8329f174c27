"""Partner Center: the support profile, read and written."""
