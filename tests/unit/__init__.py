"""Tests of the modules, each on its own."""
