/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets share. One that includes this has an entry for libFuzzer (clang
 * -fsanitize=fuzzer,address,undefined), or, with -DFUZZ_STANDALONE, a main that replays files.
 */
#ifndef UCTR_TESTS_FUZZ_H
#define UCTR_TESTS_FUZZ_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, which the fuzzer takes for a finding. */
static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* A result and its error belong together: r < 0 with one line of words, or nothing. */
static inline void must_tell(int r, const struct err *e)
{
	must(r >= 0 || e->msg[0], "an error without words");
	must(r < 0 || !e->code, "an error that is not returned");
	for (const char *p = e->msg; *p; p++)
		must((unsigned char)*p >= ' ' && *p != 0x7f, "a control character in an error");
}

/* The input as a string; free() it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	must(text != NULL, "no memory");
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#ifdef FUZZ_STANDALONE
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		_cleanup_free_ char *data = NULL;
		size_t len;
		int r = file_read(AT_FDCWD, argv[i], 8 << 20, &data, &len);

		if (r < 0) {
			fprintf(stderr, "fuzz: %s: %s\n", argv[i], strerror(-r));
			return EXIT_FAILURE;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)data, len);
	}
	printf("%d inputs replayed\n", argc - 1);
	return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif

#endif
