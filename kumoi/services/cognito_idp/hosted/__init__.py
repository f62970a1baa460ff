"""The OAuth 2.0 endpoints of a pool's domain, with small pages to sign in, sign up and find a password again.

`plane.py` takes the requests, `authorize.py`, `sign_in.py` and `accounts.py` are what a browser visits, `token.py` what
a client asks; `page.py` is the HTML, `forms.py` keeps forms of others out.

Sources: "User pool endpoints and managed login reference" of the Cognito developer guide;
RFC 6749 (OAuth 2.0), 7636 (PKCE), 7009 (revocation), and OpenID Connect Core.
"""
