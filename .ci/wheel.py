"""Writes a Python wheel that carries the program, for `.ci/packages`; Python's own library is all it needs.

`python3 .ci/wheel.py <folder> <program> <platform> <version> <licence> <summary>`. A wheel is a zip file; what stands in
`<name>.data/scripts` is put beside `python` and can be run (PEP 427).
"""

import base64
import hashlib
import os
import sys
import time
import zipfile
from pathlib import Path

# A wheel can't hold links, and the program is large: git finds a few lines that run what stands beside them.
GIT_GUARD = b'#!/bin/sh\nexec "${0%/*}/guard" "$@"\n'

folder, program, platform, version, licence, summary = sys.argv[1:]
name = f"recoveryguard-{version}"
info = f"{name}.dist-info"
tag = f"py3-none-{platform}"

metadata = f"""\
Metadata-Version: 2.4
Name: recoveryguard
Version: {version}
Summary: {summary}
License-Expression: {licence}
License-File: LICENSE-APACHE
License-File: LICENSE-MIT
Description-Content-Type: text/markdown

"""
wheel = f"""\
Wheel-Version: 1.0
Generator: recoveryguard
Root-Is-Purelib: false
Tag: {tag}
"""
files = [
    (f"{name}.data/scripts/guard", Path(program).read_bytes(), 0o755),
    (f"{name}.data/scripts/git-guard", GIT_GUARD, 0o755),
    (f"{info}/METADATA", metadata.encode() + Path("README.md").read_bytes(), 0o644),
    (f"{info}/WHEEL", wheel.encode(), 0o644),
    (f"{info}/licenses/LICENSE-APACHE", Path("LICENSE-APACHE").read_bytes(), 0o644),
    (f"{info}/licenses/LICENSE-MIT", Path("LICENSE-MIT").read_bytes(), 0o644),
]

record = ""
for path, data, _ in files:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    record += f"{path},sha256={digest},{len(data)}\n"
record += f"{info}/RECORD,,\n"
files.append((f"{info}/RECORD", record.encode(), 0o644))

moment = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
with zipfile.ZipFile(f"{folder}/{name}-{tag}.whl", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path, data, mode in files:
        entry = zipfile.ZipInfo(path, moment)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = (0o100000 | mode) << 16
        archive.writestr(entry, data)
