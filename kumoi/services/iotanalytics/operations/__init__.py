"""The operations of IoT Analytics' API."""
