"""The `Tokens` port: JSON web tokens of an OpenID provider. Takes the extra `oidc`."""

from agent_serving.adapters.oidc.jwks import Jwks, KeyFile, KeyUrl
from agent_serving.adapters.oidc.tokens import JwtTokens

__all__ = ["Jwks", "JwtTokens", "KeyFile", "KeyUrl"]
