"""Microsoft Entra ID: who calls, and a Partner Center token on behalf of that user."""
