/* SPDX-License-Identifier: Apache-2.0 */
/* Asking on the terminal. */
#include "cli/ask.h"

#include <stdio.h>
#include <unistd.h>

int ask(const char *what, struct err *e)
{
	char line[16] = "";

	if (!isatty(STDIN_FILENO))
		return err_msg(e, -ECANCELED,
			"standard input is no terminal to ask on; -f goes on without asking");
	fprintf(stderr, "%s Go on? [y/N] ", what);
	if (fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y'))
		return 0;
	return err_msg(e, -ECANCELED, "nothing was removed");
}
