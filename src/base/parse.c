/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes, durations, booleans and signals as people type them: refuse, never truncate. */
#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int parse_digits(const char *s, int base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		uint64_t d;

		if (*s < '0' || *s >= '0' + base)
			return -EINVAL;
		d = (uint64_t)(*s - '0');
		if (v > (max - d) / (uint64_t)base)
			return -ERANGE;
		v = v * (uint64_t)base + d;
	}
	*ret = v;
	return 0;
}

int parse_u64(const char *s, uint64_t *ret)
{
	return parse_digits(s, 10, UINT64_MAX, ret);
}

int parse_u32(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = parse_digits(s, 10, UINT32_MAX, &v);

	if (r == 0)
		*ret = (uint32_t)v;
	return r;
}

int parse_i64(const char *s, int64_t *ret)
{
	uint64_t v;
	int r = parse_digits(*s == '-' ? s + 1 : s, 10, INT64_MAX, &v);

	if (r == 0)
		*ret = *s == '-' ? -(int64_t)v : (int64_t)v;
	return r;
}

int parse_octal(const char *s, unsigned int max, unsigned int *ret)
{
	uint64_t v;
	int r = parse_digits(s, 8, max, &v);

	if (r == 0)
		*ret = (unsigned int)v;
	return r;
}

/* "12", "1.5": the number as a long double and where it ends; no sign, no exponent, no hex. */
static int parse_decimal(const char *s, long double *ret, const char **end)
{
	long double v = 0, place = 1;
	const char *p = s;

	for (; isdigit((unsigned char)*p); p++)
		v = v * 10 + (*p - '0');
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++)
			v += (*p - '0') * (place /= 10);
	}
	if (p == s || (p == s + 1 && *s == '.'))
		return -EINVAL;
	*ret = v;
	*end = p;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "bkmgtp";
	const char *end, *unit;
	long double v, mult = 1;
	int r = parse_decimal(s, &v, &end);

	if (r < 0)
		return r;
	if (*end) {
		unit = strchr(units, tolower((unsigned char)*end));
		if (!unit)
			return -EINVAL;
		for (const char *u = units; u < unit; u++)
			mult *= 1024;
		end++;
		if (unit != units && tolower((unsigned char)end[0]) == 'i')
			end++;
		if (unit != units && tolower((unsigned char)end[0]) == 'b')
			end++;
		if (*end)
			return -EINVAL;
	}
	v *= mult;
	if (v >= (long double)INT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)v;
	return 0;
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False", NULL };

	for (size_t i = 0; yes[i]; i++) {
		if (streq(s, yes[i])) {
			*ret = true;
			return 0;
		}
		if (streq(s, no[i])) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_duration_ns(const char *s, uint64_t *ret)
{
	static const struct {
		const char *name;
		long double ns;
	} units[] = { { "ns", 1 }, { "us", 1e3L }, { "ms", 1e6L }, { "s", 1e9L }, { "m", 60e9L },
		{ "h", 3600e9L }, { "d", 86400e9L } };
	const char *start = s;
	long double total = 0;

	if (!*s)
		return -EINVAL;
	while (*s) {
		const char *end;
		long double v;
		size_t best = ARRAY_SIZE(units), n;

		if (parse_decimal(s, &v, &end) < 0)
			return -EINVAL;
		n = strspn(end, "numshd");
		for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
			if (strlen(units[i].name) == n && strncmp(end, units[i].name, n) == 0)
				best = i;
		}
		if (n == 0 && s == start && !*end)
			total = v * 1e9L; /* a bare number is seconds */
		else if (best == ARRAY_SIZE(units))
			return -EINVAL;
		else
			total += v * units[best].ns;
		if (total >= (long double)INT64_MAX)
			return -ERANGE;
		s = end + n;
	}
	*ret = (uint64_t)total;
	return 0;
}

int parse_signal(const char *s)
{
	uint32_t n;

	if (parse_u32(s, &n) == 0)
		return n >= 1 && n <= (uint32_t)SIGRTMAX ? (int)n : -EINVAL;
	if (strncasecmp(s, "SIG", 3) == 0)
		s += 3;
	if (strncasecmp(s, "RTMIN", 5) == 0 || strncasecmp(s, "RTMAX", 5) == 0) {
		bool min = tolower((unsigned char)s[3]) == 'i';

		n = 0;
		if (s[5] && (s[5] != (min ? '+' : '-') || parse_u32(s + 6, &n) < 0 || n > 30))
			return -EINVAL;
		return min ? SIGRTMIN + (int)n : SIGRTMAX - (int)n;
	}
	for (int i = 1; i < 32; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(s, name) == 0)
			return i;
	}
	if (strcasecmp(s, "IOT") == 0)
		return SIGABRT;
	if (strcasecmp(s, "CLD") == 0)
		return SIGCHLD;
	if (strcasecmp(s, "POLL") == 0)
		return SIGIO;
	return -EINVAL;
}
