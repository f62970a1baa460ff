"""What each kind of activity does with messages."""
