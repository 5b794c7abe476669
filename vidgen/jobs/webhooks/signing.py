"""Standard Webhooks 1.0 signatures (https://www.standardwebhooks.com), and the secrets of endpoints.

Endpoint secrets are not stored: each is derived from the service's own secret, so a copied database signs nothing.
"""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` value `v1,<base64>`. `timestamp` is in seconds since 1970."""
    signed = message_id.encode() + b"." + str(timestamp).encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def endpoint_secret(service_secret: str, endpoint_id: str, version: int) -> str:
    """The secret of an endpoint; a rotation counts `version` up."""
    digest = hmac.new(_key(service_secret), f"endpoint\n{endpoint_id}\n{version}".encode(), hashlib.sha256).digest()
    return PREFIX + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook secret is whsec_ and standard base64") from error
