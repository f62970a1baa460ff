"""The Amazon States Language as pure rules: parsing, checking and evaluating, without state, time or effects."""
