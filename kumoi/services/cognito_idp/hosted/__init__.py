"""The OAuth 2.0 endpoints of a pool's domain, with a small page to sign in at.

`plane.py` takes the requests, `authorize.py` and `sign_in.py` are what a browser visits, `token.py` what a client asks;
`page.py` is the HTML. Sources: "User pool endpoints and managed login reference" of the Cognito developer guide;
RFC 6749 (OAuth 2.0), 7636 (PKCE), 7009 (revocation), and OpenID Connect Core.
"""
