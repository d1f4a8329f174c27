"""Scripts that build, verify and deploy the package, and that analyse the source."""
