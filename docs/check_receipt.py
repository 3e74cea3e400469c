#!/usr/bin/env python3
"""Check that a report is in the log of all traces, with nothing of the service's own code.

    python check_receipt.py PROOF [--key KEY] [--kept CHECKPOINT --consistency PROOF]

PROOF is what GET /v1/reports/RECEIPT/proof answers. KEY is the log's public key as you were told
it before; without, the one in the proof is believed. CHECKPOINT is a checkpoint that you kept, and
its PROOF what GET /v1/log/consistency?first=KEPT_SIZE&second=SIZE answers: that nothing of what
the log had then was changed. Each is a file or an address. Needs Python 3.11 and `cryptography`.
"""

import argparse
import base64
import hashlib
import json
import sys
import urllib.request
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class NotProved(Exception):
    """What does not hold."""


def must(holds: bool, otherwise: str) -> None:
    """Stop where something does not hold."""
    if not holds:
        raise NotProved(otherwise)


def read(where: str) -> str:
    """What a file or an address has."""
    if where.startswith(("http://", "https://")):
        with urllib.request.urlopen(where) as answer:
            return answer.read().decode()
    return Path(where).read_text(encoding="utf-8")


def node(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_inclusion(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2: the root by the proof."""
    fn, sn, root = index, size - 1, leaf
    for p in path:
        must(sn > 0, "the proof is too long")
        if fn & 1 or fn == sn:
            root = node(p, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node(root, p)
        fn, sn = fn >> 1, sn >> 1
    must(sn == 0, "the proof is too short")
    return root


def roots_of_consistency(
    first: int, second: int, first_root: bytes, path: list[bytes]
) -> tuple[bytes, bytes]:
    """RFC 9162, 2.1.4.2: the roots of both trees by the proof."""
    if first == second:
        must(not path, "the proof is too long")
        return first_root, first_root
    if first & (first - 1) == 0:
        path = [first_root, *path]
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        must(sn > 0, "the proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    must(sn == 0, "the proof is too short")
    return fr, sr


def signed(note: str, key: str) -> tuple[int, bytes]:
    """The size and the root in a checkpoint whose signature is right."""
    text, signature = note.rstrip("\n").rsplit("\n\n", 1)
    text = text.strip("\n") + "\n"
    public = base64.b64decode(key.split("+", 2)[2])[1:]
    given = base64.b64decode(signature.split(" ")[2])
    Ed25519PublicKey.from_public_bytes(public).verify(given[4:], text.encode())
    size, root = text.split("\n")[1:3]
    return int(size), base64.b64decode(root)


def check(arguments: argparse.Namespace) -> str:
    """Check all that was given; gives what it proves."""
    receipt = json.loads(read(arguments.proof))
    must(receipt["logged"], f"it is not in the log yet; ask again after {receipt['due_at']}")
    entry, proof = receipt["entry"], receipt["proof"]
    chain, begins, *hashes = proof["text"].splitlines()
    must(chain.endswith(entry["case_id"]), "the leaf is of another case")
    must(hashes[entry["n"] - int(begins)] == entry["hash"], "the leaf lacks the entry")
    if entry["columns"] is not None:
        form = {"sort_keys": True, "ensure_ascii": False, "separators": (",", ":")}
        written = json.dumps(entry["columns"], **form).encode()
        must(hashlib.sha256(written).hexdigest() == entry["hash"], "the entry was changed")
        must(entry["columns"]["content"]["receipt"] == receipt["receipt"], "another receipt's")
    leaf = hashlib.sha256(b"\x00" + proof["text"].encode()).digest()
    path = [bytes.fromhex(one) for one in proof["path"]]
    key = arguments.key or proof["public_key"]
    size, root = signed(proof["checkpoint"], key)
    must(size == proof["size"], "the checkpoint is of another size")
    must(root_of_inclusion(proof["index"], size, leaf, path) == root, "the leaf is not in the log")
    if arguments.kept:
        kept_size, kept_root = signed(read(arguments.kept), key)
        grown = json.loads(read(arguments.consistency))
        path = [bytes.fromhex(one) for one in grown["path"]]
        found = roots_of_consistency(kept_size, size, kept_root, path)
        must(found == (kept_root, root), "the log is not the one of the checkpoint that was kept")
    return f"{receipt['receipt']} is entry {entry['n']} of {chain}, leaf {proof['index']} of {size}"


def main() -> int:
    """0 where it is proved, 1 where it is not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("proof")
    for option in ("--key", "--kept", "--consistency"):
        parser.add_argument(option)
    try:
        print(check(parser.parse_args()))
    except InvalidSignature:
        print("NOT PROVED: a checkpoint is not signed by the key")
    except (NotProved, IndexError, KeyError, ValueError) as fault:
        print(f"NOT PROVED: {fault}")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
