"""Headlines of NAVER's news search (NAVER API HUB)."""
