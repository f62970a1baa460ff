"""Cognito's operations, by who calls them and what for."""
