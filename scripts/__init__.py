"""What builds and proves the package."""
