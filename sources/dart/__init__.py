"""Disclosures of the Financial Supervisory Service's DART Open API."""
