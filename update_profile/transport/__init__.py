"""HTTP over TLS, with a deadline in every wait."""
