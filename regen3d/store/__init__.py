"""The one door to the object store: content-addressed blobs, and records found by key.

A blob's name is the SHA-256 of its bytes, so it never changes and writing it twice is harmless. A record is a small
JSON document under a key of the caller's choice. Both appear whole or not at all. Folders and `file://` work out of the
box, `s3://` with the extra `s3`.
"""

from regen3d.store.files import StoredFile
from regen3d.store.folder import check_folder, write_atomically
from regen3d.store.refs import Ref, digest_of
from regen3d.store.store import FRESH_S, PROTOCOLS, Store

__all__ = ["FRESH_S", "PROTOCOLS", "Ref", "Store", "StoredFile", "check_folder", "digest_of", "write_atomically"]
