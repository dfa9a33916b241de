/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between uctr and uctr-transfer, the program that reads archives.
 *
 * uctr starts it with an absolute path, a clean environment, and inherited descriptors that the
 * command line names by number:
 *
 *   digest  --in-fd N [--blob-fd N] [--digest HEX] [--size N]
 *   unpack  --in-fd N --out-fd N [--userns-fd N] [--blob-fd N] [--digest HEX] [--size N]
 *           [--diff-id HEX] [--max-bytes N] [--nonempty] [--record-owners]
 *           [--uid-map MAP --gid-map MAP]
 *   reform  --in-fd N --out-fd N [--userns-fd N] --uid-map MAP --gid-map MAP
 *   survey  --out-fd N [--userns-fd N]
 *   remove  --out-fd N [--userns-fd N] NAME
 *   registry --in-fd N            the downloader: uctr/registry_proto.h
 *   members --in-fd N --out-fd N [--max-bytes N]
 *   inflate --in-fd N --blob-fd N [--digest HEX] [--size N] [--diff-id HEX]
 *
 * in-fd is read to its end. blob-fd is an empty file that receives the same bytes. out-fd is an
 * empty directory that becomes the layer's tree (unpack), one that is
 * such a tree (survey), or the directory that holds NAME (remove). digest and size say what the bytes read must be, diff-id what they are uncompressed.
 * userns-fd is the user namespace whose ids the tree's owners are. An owner that it does not map is
 * an error, or with record-owners becomes 0 and is written down (uctr/owner.h). A MAP is a list of
 * ID:NSID:COUNT: what owners in the archive are in that namespace; without one they are the same.
 *
 * reform copies the tree in-fd, whose owners are the namespace's ids, to the empty directory out-fd, for
 * the owners that the MAPs say; an owner that they lack is an error. Files share their blocks.
 *
 * members takes an archive of images (tar, perhaps compressed) apart: its regular files come into the
 * directory out-fd as 0, 1, 2 ..., and `members` there is a JSON array of {"name":NAME, "file":"0",
 * "digest":HEX, "size":N, "compression":"none|gzip|zstd"}, or {"name":NAME, "link":NAME} for a link to
 * another member, in the order of the archive. NAMEs are relative, without "." and ".."; "" leads
 * nowhere. Members that are anything else, or have other names, are left out.
 * inflate writes what in-fd holds to blob-fd, uncompressed.
 *
 * It answers with one line of JSON on standard output and exit code 0:
 *   {"ok":true, "digest":HEX, "size":N, "diffId":HEX, "compression":"none|gzip|zstd|xz|bzip2",
 *    "bytes":N, "entries":N, "devices":N, "xattrs":N, "survey":SUM, "files":N}
 * (from compression on from unpack alone; devices and xattrs count what was left out; survey, 16 hex
 * digits, and files tell what the tree is, and are all that the verbs survey and reform answer), or
 *   {"ok":false, "errno":N, "error":TEXT}
 * with exit code 1. TEXT is one line, safe to print.
 *
 * The other way round, from directories to an archive or to a list of what changed:
 *
 *   pack    --layer-fd N... [--base-fd N... [--top]] --blob-fd N [--copy-fd N] [--marks]
 *           [--compression none|gzip|zstd] [--max-bytes N] and as below
 *   changes --layer-fd N... --base-fd N... [--top] --blob-fd N and
 *           [--wh-names] [--userns-fd N] [--record-owners] [--owners-fd N]
 *           [--uid-map MAP --gid-map MAP]
 *
 * layer-fd are the layers of one file system, the lowest first, opened in any way, and base-fd those
 * of another, from which only differences are told. top: the layers are those of the base and one
 * more. marks: one layer alone, with what it deletes. wh-names: the last layer deletes by ".wh."
 * names too. record-owners: owners and devices may be recorded (uctr/owner.h), also in owners-fd, the
 * container's file of that name. The archive goes to blob-fd, and uncompressed to copy-fd as well.
 * The list is a letter (A added, C changed, D deleted), an absolute path and a NUL for each.
 * Sockets, and files whose names mean deletions in images, are left out, and counted:
 *   {"ok":true, "entries":N, "skipped":N, "xattrs":N, "changed":N}
 * and for pack also digest, size, diffId, compression and bytes (of the archive) as above; changed
 * counts files that a living container made shorter, or took away, while they were read.
 */
#ifndef UCTR_TRANSFER_PROTO_H
#define UCTR_TRANSFER_PROTO_H

#define UCTR_TRANSFER_NAME "uctr-transfer"

/* Digests travel as 64 lowercase hex digits of SHA-256, without a prefix. */
#define UCTR_DIGEST_HEX 64

/* What a tree looks like, as a sum over its files. */
#define UCTR_SURVEY_HEX 16

/*
 * Every limit on what an archive may ask for, in one table. They end bombs, and are far above what
 * real images hold.
 */
#define UCTR_MAX_LAYER_BYTES (64ULL << 30) /* uncompressed stream; --max-bytes replaces it */
#define UCTR_MAX_ENTRIES 1000000ULL /* files of one layer */
#define UCTR_MAX_PATH_BYTES 4095 /* of one name, cleaned */
#define UCTR_MAX_PATH_DEPTH 256 /* components of one name */
#define UCTR_MAX_FILE_SIZE (16ULL << 40) /* apparent size of a sparse file */
#define UCTR_MAX_XATTR_BYTES 65536 /* one value; the kernel's own limit */
#define UCTR_MAX_XATTRS 256 /* of one file */
#define UCTR_MAX_TRAILER (16ULL << 20) /* bytes behind the archive's end */
#define UCTR_MAX_TRANSFER_MEM (224ULL << 20) /* RLIMIT_DATA: zstd and xz windows, PAX headers */
#define UCTR_MAX_DOCUMENT (4U << 20) /* manifest, index or config */
#define UCTR_MAX_MEMBERS 10000 /* files of an archive of images */
#define UCTR_MAX_LAYERS 128 /* of one image */

#endif
