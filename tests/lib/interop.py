#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes two layers that use all that a layer can say: DIR/1.tar (with the files of BASE, a tar
archive) and DIR/2.tar, which changes and deletes some of it.

usage: interop.py BASE DIR
"""
import io, os, sys, tarfile

CAPS = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"  # cap_net_raw=ep


def add(tar, name, kind=tarfile.REGTYPE, mode=0o644, uid=0, gid=0, text="", link="", time=1000000000,
        xattrs=None):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid = kind, mode, uid, gid
    info.linkname, info.mtime = link, time
    data = text.encode()
    info.size = len(data)
    info.pax_headers = {"SCHILY.xattr." + k: v for k, v in (xattrs or {}).items()}
    tar.addfile(info, io.BytesIO(data))


def first(tar, base):
    dirs = (".", "dev", "proc", "sys", "etc", "run", "tmp", "root", "data", "data/gone", "data/opaque")
    files = ("etc/hosts", "etc/hostname", "etc/resolv.conf")
    for d in dirs:
        add(tar, d, tarfile.DIRTYPE, 0o755)
    for f in files:
        add(tar, f)
    with tarfile.open(base) as b:
        for m in b:
            m.name = os.path.normpath(m.name)
            # podman takes no name twice.
            if m.name not in dirs and m.name not in files:
                tar.addfile(m, b.extractfile(m) if m.isreg() else None)
    add(tar, "data/owned", uid=1, gid=2, mode=0o640, text="owned")
    add(tar, "data/user", uid=1000, gid=1000, text="user", time=1234567890.123456789)
    add(tar, "data/far", uid=65534, gid=65534, text="far")
    add(tar, "data/setuid", mode=0o4755, text="#!/bin/sh\n")
    add(tar, "data/setgid", mode=0o2755, gid=7, text="#!/bin/sh\n")
    add(tar, "data/sticky", tarfile.DIRTYPE, 0o1777, uid=3, gid=4)
    add(tar, "data/closed", tarfile.DIRTYPE, 0o700, uid=5)
    add(tar, "data/closed/none", mode=0, text="nobody reads this")
    add(tar, "data/hard", tarfile.LNKTYPE, link="data/owned", uid=1, gid=2, mode=0o640)
    add(tar, "data/soft", tarfile.SYMTYPE, 0o777, uid=8, gid=9, link="../nowhere/at all")
    add(tar, "data/fifo", tarfile.FIFOTYPE, 0o600, uid=6)
    add(tar, "data/caps", mode=0o755, text="x", xattrs={"security.capability": CAPS})
    add(tar, "data/attr", text="x", xattrs={"user.one": "1", "user.two": "zwei \u00e4"})
    add(tar, "data/" + "long" * 50, text="name longer than a header has room for")
    add(tar, "data/n\u00e4me \u2603", text="snow")
    add(tar, "data/old", text="the first", time=1)
    add(tar, "data/gone/file", text="x")
    add(tar, "data/opaque/below", text="x")
    add(tar, "data/kind", tarfile.DIRTYPE, 0o755)
    add(tar, "data/kind/file", text="x")


def second(tar):
    add(tar, "data", tarfile.DIRTYPE, 0o711, uid=10, gid=11, time=1500000000)
    add(tar, "data/.wh.gone")
    add(tar, "data/opaque", tarfile.DIRTYPE, 0o755)
    add(tar, "data/opaque/.wh..wh..opq")
    add(tar, "data/opaque/above", text="y")
    add(tar, "data/kind", text="a file now", uid=12)
    add(tar, "data/old", text="the second", time=1600000000)


base, where = sys.argv[1:]
for name, fill in (("1", lambda t: first(t, base)), ("2", second)):
    with tarfile.open("%s/%s.tar" % (where, name), "w", format=tarfile.PAX_FORMAT) as t:
        fill(t)
