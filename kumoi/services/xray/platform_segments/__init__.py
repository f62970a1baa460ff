"""The segments of AWS's own services, made of hops: what a function, an API's stage or a GraphQL API sends itself."""
