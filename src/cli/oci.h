/* SPDX-License-Identifier: Apache-2.0 */
/* uctr-oci: the command line of OCI runtimes, as engines and schedulers call it. */
#ifndef UCTR_CLI_OCI_H
#define UCTR_CLI_OCI_H

#include "base/err.h"

/*
 * Parses and runs. Returns the exit code, or a negative errno with *e, which was also written to
 * --log; main prints it. The exit code of errors is 1 as with other runtimes, but for 126 and 127.
 */
int oci_main(int argc, char **argv, struct err *e);

#endif
