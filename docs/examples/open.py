"""Opens and seals what tidekeep seals, by Python's `cryptography` alone, as docs/formats.md says.

Reads JSON: the database's name, the passphrase, the records of `tidekeep:keys` in hexadecimal, what is to be opened as
[collection, key, hexadecimal], and what is to be sealed as [collection, key, text]. Prints what it opened and sealed,
bytes in hexadecimal.
"""

import hashlib
import hmac
import json
import os
import sys
import unicodedata

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def framed(*parts):
    parts = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def mac(key, label):
    return hmac.new(key, label.encode(), hashlib.sha256).digest()


def unwrap(record, key, label, domain, database):
    head, rest = record[:-100], record[-100:]
    assert hashlib.sha256(record[:-8]).digest()[:8] == record[-8:], "the record was damaged"
    commitment, nonce, ciphertext = rest[:32], rest[32:44], rest[44:92]
    return AESGCM(mac(key, label)).decrypt(nonce, ciphertext, framed(domain, database, head, commitment))


def data_keys(records, passphrase, database):
    """Every data key, by its id: from the passphrase to the store key, and from there to them."""
    found = {}
    for wrapped in records:
        if wrapped[:4] != b"TKWK" or wrapped[38] != 1:
            continue
        secret = unicodedata.normalize("NFC", passphrase).encode()
        iterations = int.from_bytes(wrapped[40:44], "little")
        secret = hashlib.pbkdf2_hmac("sha256", secret, wrapped[44:60], iterations)
        if not hmac.compare_digest(mac(secret, "tidekeep/commitment/1"), wrapped[-100:-68]):
            continue
        store_key = unwrap(wrapped, secret, "tidekeep/wrapping-key/1", "tidekeep/wrapped-key/1", database)
        for record in records:
            if record[:4] == b"TKDK" and record[22:38] == wrapped[22:38]:
                labels = "tidekeep/store-wrapping-key/1", "tidekeep/wrapped-data-key/1"
                found[record[6:22]] = unwrap(record, store_key, *labels, database)
    return found


def value(plaintext):
    """What the plaintext stands for: JSON, or JSON with parts set apart."""
    if plaintext[:1] != b"\x01":
        return json.loads(plaintext)
    end = 5 + int.from_bytes(plaintext[1:5], "little")

    def whole(found):
        if isinstance(found, list):
            return [whole(item) for item in found]
        if not isinstance(found, dict):
            return found
        if found.get("$") == "object":  # its value is an object of the application, whatever `$` says there
            return {"$": "object", "v": {name: whole(item) for name, item in found["v"].items()}}
        if found.get("$") != "part":
            return {name: whole(item) for name, item in found.items()}
        kind, at, length = found["v"]
        there = plaintext[end + at : end + at + length]
        return there.decode() if kind == "text" else there

    return whole(json.loads(plaintext[5:end]))


def main():
    given = json.load(sys.stdin)
    database = given["database"]
    keys = data_keys([bytes.fromhex(record) for record in given["keys"]], given["passphrase"], database)
    opened = []
    for collection, key, text in given.get("open", []):
        sealed = bytes.fromhex(text)
        place = framed("tidekeep/sealed/1", database, collection, key, "")
        opened.append(value(AESGCM(keys[sealed[6:22]]).decrypt(sealed[22:34], sealed[34:], place)))
    made = []
    for collection, key, text in given.get("seal", []):
        key_id, data_key = next(iter(keys.items()))
        nonce = os.urandom(12)
        place = framed("tidekeep/sealed/1", database, collection, key, "")
        sealed = AESGCM(data_key).encrypt(nonce, json.dumps(text).encode(), place)
        made.append((b"TKSE\x01\x01" + key_id + nonce + sealed).hex())
    json.dump({"opened": opened, "sealed": made}, sys.stdout, default=bytes.hex)


main()
