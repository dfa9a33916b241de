/* SPDX-License-Identifier: Apache-2.0 */
/* uctr-oci: the OCI runtime's command line. */
#ifndef UCTR_CLI_OCI_H
#define UCTR_CLI_OCI_H

#include "base/err.h"

/* Exit code or an error, which main prints (and --log gets as well). */
int oci_main(int argc, char **argv, struct err *e);

#endif
