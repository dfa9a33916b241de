/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between uctr and the downloader: uctr-transfer with the verb `registry`.
 *
 *   uctr-transfer registry --in-fd N
 *
 * in-fd is a socket of packets (SOCK_SEQPACKET); each packet is one JSON object of at most
 * UCTR_REGISTRY_PACKET bytes, with descriptors beside it where it says so. The process serves one
 * repository of one registry until the socket ends. The first request is `open`; after it the
 * process has given up every file but certificates and the files of name resolution.
 *
 *   {"op":"open", "id":N, "host":HOST[:PORT], "repository":NAME, "push":BOOL, "mount":NAME,
 *    "plain":BOOL, "insecure":BOOL, "user":S, "password":S, "identityToken":S, "certs":[DIR...]}
 *       plain: http may be spoken; insecure: and certificates need not be good. The last keys are
 *       optional. Without a repository only `check` and `search` make sense.
 *   {"op":"document", "id":N, "ref":TAG|sha256:HEX, "blob":BOOL, "head":BOOL}  + memory file
 *       -> {"type":MEDIATYPE, "digest":S (as the registry says), "size":N}
 *   {"op":"blob", "id":N, "ref":sha256:HEX, "size":N}  + pipe [+ file with its beginning]
 *       The answer comes when all has been written; EPIPE says that the reader closed the pipe.
 *   {"op":"tags", "id":N}  + memory file, which receives a JSON array of texts
 *   {"op":"hasBlob", "id":N, "ref":sha256:HEX} -> {"found":BOOL}
 *   {"op":"putBlob", "id":N, "ref":sha256:HEX, "size":N}  + file or pipe -> {"found":BOOL}
 *   {"op":"putDocument", "id":N, "ref":TAG|sha256:HEX, "type":MEDIATYPE, "size":N}  + file
 *   {"op":"check", "id":N}: are the credentials good?
 *   {"op":"search", "id":N, "text":S, "limit":N}  + memory file, which receives a JSON array
 *
 * Answers carry the id of their request, in any order:
 *   {"id":N, "ok":true, ...}  or  {"id":N, "ok":false, "errno":N, "error":TEXT}
 * TEXT is one line, safe to print. Nothing that arrives is believed: the digests are checked by
 * those who read what was written.
 */
#ifndef UCTR_REGISTRY_PROTO_H
#define UCTR_REGISTRY_PROTO_H

#define UCTR_REGISTRY_VERB "registry"
#define UCTR_REGISTRY_PACKET 65536

#define UCTR_MAX_REDIRECTS 5
#define UCTR_MAX_RETRIES 5 /* in a row, without a byte gained */
#define UCTR_MAX_TOKEN (1U << 20) /* what a token server may answer */
#define UCTR_MAX_TAG_PAGES 1000
#define UCTR_MAX_RETRY_AFTER 60 /* seconds that a registry may ask for */

#endif
