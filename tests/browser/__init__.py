"""Tests of the approval page in a real browser."""
