/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes, durations, booleans and signals: what is taken and what is refused. */
#include <signal.h>

#include "base/str.h"
#include "tap.h"

static void test_numbers(void)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x10", "1e3", "1.0", "a" };
	uint64_t u = 7;
	uint32_t s = 7;

	CHECK_INT(parse_u64("18446744073709551615", &u), 0);
	CHECK(u == UINT64_MAX);
	CHECK_INT(parse_u64("18446744073709551616", &u), -ERANGE);
	CHECK_INT(parse_u64("99999999999999999999999", &u), -ERANGE);
	CHECK_INT(parse_u32("4294967295", &s), 0);
	CHECK(s == UINT32_MAX);
	CHECK_INT(parse_u32("4294967296", &s), -ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		s = 7;
		CHECK_INT(parse_u32(bad[i], &s), -EINVAL);
		CHECK_INT(s, 7); /* a refused value changes nothing */
	}
}

static void test_signed(void)
{
	int64_t v = 0;

	CHECK_INT(parse_i64("-9223372036854775807", &v), 0);
	CHECK(v == -INT64_MAX);
	CHECK_INT(parse_i64("-1", &v), 0);
	CHECK_INT(v, -1);
	CHECK_INT(parse_i64("9223372036854775808", &v), -ERANGE);
	CHECK_INT(parse_i64("--1", &v), -EINVAL);
	CHECK_INT(parse_i64("-", &v), -EINVAL);
	CHECK_INT(parse_i64("", &v), -EINVAL);
}

static void test_octal(void)
{
	unsigned int v = 0;

	CHECK_INT(parse_octal("0644", 07777, &v), 0);
	CHECK_INT(v, 0644);
	CHECK_INT(parse_octal("8", 07777, &v), -EINVAL);
	CHECK_INT(parse_octal("10000", 07777, &v), -ERANGE);
}

static void test_sizes(void)
{
	static const struct {
		const char *s;
		uint64_t want;
	} good[] = { { "0", 0 }, { "42", 42 }, { "42b", 42 }, { "1k", 1024 }, { "1KB", 1024 },
		{ "1KiB", 1024 }, { "64m", 64 << 20 }, { "1.5g", 1536 << 20 }, { "2T", 2ULL << 40 },
		{ ".5k", 512 }, { "8191p", 8191ULL << 50 } };
	static const char *const bad[] = { "", "k", "-1", "1x", "1kk", "1 k", "0x10", "1e3", ".",
		"1bb", "1kib1", "nan", "inf" };
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		v = 1;
		CHECK_INT(parse_size(good[i].s, &v), 0);
		CHECK_INT(v, good[i].want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(parse_size(bad[i], &v), -EINVAL);
	CHECK_INT(parse_size("8192p", &v), -ERANGE);
	CHECK_INT(parse_size("99999999999999999999999999", &v), -ERANGE);
}

static void test_bools(void)
{
	bool v = false;

	CHECK(parse_bool("true", &v) == 0 && v);
	CHECK(parse_bool("F", &v) == 0 && !v);
	CHECK(parse_bool("1", &v) == 0 && v);
	CHECK_INT(parse_bool("yes", &v), -EINVAL);
	CHECK_INT(parse_bool("", &v), -EINVAL);
	CHECK_INT(parse_bool("tRUE", &v), -EINVAL);
}

static void test_durations(void)
{
	static const struct {
		const char *s;
		uint64_t ns;
	} good[] = { { "5", 5000000000ULL }, { "0", 0 }, { "0s", 0 }, { "1.5s", 1500000000ULL },
		{ "300ms", 300000000ULL }, { "1h2m3s", 3723000000000ULL },
		{ "2d", 172800000000000ULL }, { "10us", 10000 }, { "7ns", 7 } };
	static const char *const bad[] = { "", "s", "-1s", "1x", "1s2", "0s2", "1 s", "1sm", "h1" };
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		v = 1;
		CHECK_INT(parse_duration_ns(good[i].s, &v), 0);
		CHECK_INT(v, good[i].ns);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(parse_duration_ns(bad[i], &v), -EINVAL);
	CHECK_INT(parse_duration_ns("999999999999h", &v), -ERANGE);
}

static void test_signals(void)
{
	CHECK_INT(parse_signal("TERM"), SIGTERM);
	CHECK_INT(parse_signal("sigkill"), SIGKILL);
	CHECK_INT(parse_signal("9"), 9);
	CHECK_INT(parse_signal("SIGRTMIN+3"), SIGRTMIN + 3);
	CHECK_INT(parse_signal("RTMAX-1"), SIGRTMAX - 1);
	CHECK_INT(parse_signal("RTMIN"), SIGRTMIN);
	CHECK_INT(parse_signal("CLD"), SIGCHLD);
	CHECK_INT(parse_signal("0"), -EINVAL);
	CHECK_INT(parse_signal("65"), -EINVAL);
	CHECK_INT(parse_signal("SIGRTMIN+99"), -EINVAL);
	CHECK_INT(parse_signal("RTMINx"), -EINVAL);
	CHECK_INT(parse_signal("SIG"), -EINVAL);
	CHECK_INT(parse_signal(""), -EINVAL);
	CHECK_INT(parse_signal("-9"), -EINVAL);
}

int main(void)
{
	RUN(test_numbers);
	RUN(test_signed);
	RUN(test_octal);
	RUN(test_sizes);
	RUN(test_bools);
	RUN(test_durations);
	RUN(test_signals);
	return tap_end();
}
