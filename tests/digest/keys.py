"""A key to sign mail with, made on the spot: no library of ours makes one."""

import base64
import math
import random
from itertools import count

EXPONENT = 65537


def _is_prime(number):
    """Tell a prime by Miller and Rabin's test, sure enough for a test of ours."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        power = pow(base, odd, number)
        if power not in (1, number - 1) and not any(
            (power := pow(power, 2, number)) == number - 1 for _ in range(twos - 1)
        ):
            return False
    return True


def _prime(source, bits):
    start = source.getrandbits(bits) | 1 | 3 << (bits - 2)
    return next(
        number
        for number in count(start, 2)
        if math.gcd(number - 1, EXPONENT) == 1 and _is_prime(number)
    )


def _tagged(tag, content):
    length = len(content)
    size = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + size + content


def _integers(*numbers):
    """Return numbers as a sequence in DER (X.690)."""
    coded = (number.to_bytes(number.bit_length() // 8 + 1, "big") for number in numbers)
    return _tagged(0x30, b"".join(_tagged(0x02, one) for one in coded))


def rsa_key(bits=1024):
    """Return a private key as PEM (RFC 8017) and the public one as DNS has it (RFC 6376)."""
    source = random.Random(6376)
    p, q = _prime(source, bits // 2), _prime(source, bits // 2)
    private = pow(EXPONENT, -1, (p - 1) * (q - 1))
    der = _integers(
        0, p * q, EXPONENT, private, p, q, private % (p - 1), private % (q - 1), pow(q, -1, p)
    )
    pem = b"\n".join(
        (b"-----BEGIN RSA PRIVATE KEY-----", base64.encodebytes(der).strip(),
         b"-----END RSA PRIVATE KEY-----", b"")
    )  # fmt: skip
    return pem, base64.b64encode(_integers(p * q, EXPONENT))
