/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: a growable buffer, a NULL-terminated vector, checked number parsing. */
#ifndef UCTR_BASE_STR_H
#define UCTR_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fd.h"

#define streq(a, b) (strcmp((a), (b)) == 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

bool str_startswith(const char *s, const char *prefix);
bool str_endswith(const char *s, const char *suffix);

/* malloc'ed text; NULL only when memory is out. */
char *str_printf(const char *fmt, ...) _printf_(1, 2);

/* Growable buffer. Zero-initialised is empty; s is NULL or NUL-terminated. 0 or -ENOMEM. */
struct str {
	char *s;
	size_t len, cap;
};
void str_free(struct str *b);
int str_add(struct str *b, const void *data, size_t len);
int str_addf(struct str *b, const char *fmt, ...) _printf_(2, 3);
#define _cleanup_str_ _cleanup_(str_free)

/*
 * NULL-terminated vector of malloc'ed strings; NULL is the empty vector. strv_add copies;
 * strv_take owns s (and frees it on failure). All 0 or -ENOMEM.
 */
size_t strv_len(char *const *v);
int strv_add(char ***v, const char *s);
int strv_take(char ***v, char *s);
int strv_addf(char ***v, const char *fmt, ...) _printf_(2, 3);
int strv_extend(char ***v, char *const *more);
bool strv_contains(char *const *v, const char *s);
bool strv_equal(char *const *a, char *const *b);
void strv_free(char **v);
void strv_freep(char ***v);
#define _cleanup_strv_ _cleanup_(strv_freep)
#define strv_foreach(s, v) for (char *const *s##_p = (v), *s; s##_p && (s = *s##_p); s##_p++)

/* Splits at every sep, keeping empty fields; NULL when memory is out. */
char **strv_split(const char *s, char sep);

/* Environment vectors ("K=V"): value of key or NULL; set replaces or appends. */
const char *env_get(char *const *env, const char *key);
int env_set(char ***env, const char *key, const char *value);
void env_unset(char **env, const char *key);

/*
 * Numbers: the whole string must match, no sign for unsigned ones, no leading space; overflow
 * is refused. 0 or -EINVAL / -ERANGE.
 */
int parse_u64(const char *s, uint64_t *ret);
int parse_u32(const char *s, uint32_t *ret);
int parse_i64(const char *s, int64_t *ret);
int parse_octal(const char *s, unsigned int max, unsigned int *ret);
/* Sizes as docker's: a number with optional fraction and b, k, m, g, t (1024-based), kb, kib. */
int parse_size(const char *s, uint64_t *ret);
/* Booleans as Go's strconv.ParseBool: 1 t T TRUE true True, 0 f F FALSE false False. */
int parse_bool(const char *s, bool *ret);
/* Whole seconds, or Go's duration (1h2m3s, 1.5s, 300ms) as nanoseconds. */
int parse_duration_ns(const char *s, uint64_t *ret);
/* Name or number of a signal, with or without SIG, RTMIN+n too: the number or -EINVAL. */
int parse_signal(const char *s);

/* Is c a control character in Latin-1 or ASCII (terminal-active), or DEL? */
bool char_is_control(unsigned char c);
/* malloc'ed copy safe to print: control characters and invalid UTF-8 become \xNN. */
char *str_sanitise(const char *s);

#endif
