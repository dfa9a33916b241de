/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the owner of a file is recorded where the id map has no such owner: the file itself then
 * belongs to the container's root. Written when a layer is unpacked and when a container with one
 * id changes an owner; read by whoever makes an archive of the files.
 *
 * The value is "UID:GID" in decimal digits, without a final NUL or newline. A file without the
 * attribute belongs to whom it belongs; 0:0 is never recorded. Images cannot bring attributes
 * below "user.uctr." along.
 */
#ifndef UCTR_OWNER_H
#define UCTR_OWNER_H

#define UCTR_XATTR_PREFIX "user.uctr."
#define UCTR_OWNER_XATTR UCTR_XATTR_PREFIX "owner"
#define UCTR_OWNER_MAX 32 /* bytes of a value, the NUL of a C string included */

/*
 * Only in a container with one id: an empty regular file that was wanted as a device. The value is
 * "c MAJOR:MINOR" or "b MAJOR:MINOR", no longer than UCTR_OWNER_MAX. Its mode is the device's.
 */
#define UCTR_DEVICE_XATTR UCTR_XATTR_PREFIX "device"

#endif
