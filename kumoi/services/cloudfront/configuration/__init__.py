"""What a distribution is configured to: its normal form, its rules, and what it uses."""
