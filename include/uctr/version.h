/* SPDX-License-Identifier: Apache-2.0 */
/* Versions that programs and people are told. */
#ifndef UCTR_VERSION_H
#define UCTR_VERSION_H

#define UCTR_VERSION "0.1.0"

/* The docker API whose command line grammar uctr follows; tools refuse what is older than 1.35. */
#define UCTR_API_VERSION "1.41"
#define UCTR_API_VERSION_MIN "1.24"

/* The OCI runtime specification that uctr-oci implements. */
#define UCTR_OCI_SPEC_VERSION "1.0.2"

/* Of the manual page; set with each release, so that builds are equal. */
#define UCTR_DATE "November 23, 2026"

#endif
