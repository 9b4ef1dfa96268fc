"""The exchange's own Open API: official daily data, published on the next business day."""
