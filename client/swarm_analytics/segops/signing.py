"""The signature with which an app's backend vouches for a user."""

import hashlib
import hmac
import time


def sign_user_id(secret_hex: str, user_id: str, ts: int | None = None) -> dict[str, str | int]:
    """Sign `user_id` for a public key that demands it: ``user_id``, ``user_id_sig``, ``user_id_ts``.

    For backends only: the HMAC secret must not reach a client. HMAC-SHA256 over ``user_id|ts`` under the
    bytes that `secret_hex` stands for, in lower-case hexadecimal (SegOps' server-side signing). `ts` is in
    Unix seconds, by default now; SegOps takes a signature for five minutes.

    Raises ValueError for a secret that is not hexadecimal.
    """
    try:
        secret = bytes.fromhex(secret_hex)
    except ValueError:
        raise ValueError(
            "secret_hex is not hexadecimal; copy the HMAC secret as SegOps showed it when the key was made"
        ) from None
    at = int(time.time()) if ts is None else ts
    signature = hmac.digest(secret, f"{user_id}|{at}".encode(), hashlib.sha256).hex()
    return {"user_id": user_id, "user_id_sig": signature, "user_id_ts": at}
