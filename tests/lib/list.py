#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints a tree, a line for each file: name, kind and mode, owner, links, size, time, target or
digest, extended attributes. Equal lists are equal trees.

usage: list.py DIR     or -: a tar archive from standard input, with less to say

Left out: DIR itself, of which not every layer says something, what is below /proc, /sys and /dev and the three files of /etc that
engines put there, attributes by which engines and security modules keep their own affairs.
"""
import hashlib, os, stat, sys, tarfile

root = sys.argv[1].rstrip("/")
engines = {"/proc", "/sys", "/dev"}
files = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv"}
theirs = ("user.overlay.", "trusted.", "user.uctr.", "security.selinux", "user.containers.",
          "user.fuseoverlayfs.")
first = {}


def show(path):
    if path in engines:
        return print(path)
    s = os.lstat(root + path)
    words = [repr(path), stat.filemode(s.st_mode), "%d:%d" % (s.st_uid, s.st_gid)]
    if not stat.S_ISDIR(s.st_mode):
        words.append("=%s" % first.setdefault((s.st_dev, s.st_ino), path))
        words.append(str(s.st_size))
    words.append("%d.%09d" % (s.st_mtime_ns // 10**9, s.st_mtime_ns % 10**9))
    if stat.S_ISLNK(s.st_mode):
        words.append("-> %r" % os.readlink(root + path))
    elif stat.S_ISREG(s.st_mode):
        with open(root + path, "rb") as f:
            words.append(hashlib.sha256(f.read()).hexdigest())
    for attr in sorted(os.listxattr(root + path, follow_symlinks=False)):
        if not attr.startswith(theirs):
            value = os.getxattr(root + path, attr, follow_symlinks=False)
            words.append("%s=%s" % (attr, value.hex()))
    return print(*words)


def walk(path):
    for name in sorted(os.listdir(root + path + "/")):
        full = path + "/" + name
        if full in files:
            continue
        show(full)
        if full not in engines and stat.S_ISDIR(os.lstat(root + full).st_mode):
            walk(full)


def show_member(tar, m):
    path = os.path.normpath("/" + m.name)
    # A directory in which engines put files has a time of its own in each container.
    if path.startswith(tuple(e + "/" for e in engines)) or path in files | engines | {"/"}:
        return
    words = [repr(path), stat.filemode(kinds.get(m.type, stat.S_IFREG) | m.mode), "%d:%d" % (m.uid, m.gid)]
    if path not in ("/etc", "/run"):
        words.append(str(float(m.mtime)))
    if m.issym() or m.islnk():
        words.append("-> %r" % m.linkname)
    elif m.isreg():
        words.append(hashlib.sha256(tar.extractfile(m).read()).hexdigest())
    words += sorted("%s=%r" % a for a in m.pax_headers.items() if a[0].startswith("SCHILY.xattr."))
    print(*words)


kinds = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.FIFOTYPE: stat.S_IFIFO,
         tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK}
if sys.argv[1] == "-":
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for member in archive:
            show_member(archive, member)
else:
    walk("")
