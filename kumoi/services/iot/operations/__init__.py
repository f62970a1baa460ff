"""The operations of IoT's control plane and data plane."""
