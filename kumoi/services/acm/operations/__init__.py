"""The operations of ACM's API, a module for each thing that is done with certificates."""
