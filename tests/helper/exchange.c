/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The racing half of an attack: exchanges two directory entries as fast as it can, until killed.
 *
 * usage: exchange A B
 */
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	while (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) == 0)
		;
	perror("exchange");
	return 1;
}
