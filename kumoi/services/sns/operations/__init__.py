"""The operations of SNS, by what they are about."""
