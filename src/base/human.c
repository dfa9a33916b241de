/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations and times for people. */
#include "base/human.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MINUTE 60ULL
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)

void human_size(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1000 && i < sizeof(units) / sizeof(units[0]) - 1) {
		v /= 1000;
		i++;
	}
	/* 999.9 of one unit would be printed as 1e+03. */
	if (v >= 999.5 && i < sizeof(units) / sizeof(units[0]) - 1) {
		v = 1;
		i++;
	}
	snprintf(buf, size, "%.3g%s", v, units[i]);
}

void human_duration(uint64_t seconds, char *buf, size_t size)
{
	static const struct {
		uint64_t below, unit;
		const char *name;
	} table[] = {
		{ 60, 1, "seconds" },
		{ 45 * MINUTE, MINUTE, "minutes" },
		{ 2 * DAY, HOUR, "hours" },
		{ 2 * WEEK, DAY, "days" },
		{ 60 * DAY, WEEK, "weeks" },
		{ 2 * 365 * DAY, 30 * DAY, "months" },
		{ UINT64_MAX, 365 * DAY, "years" },
	};
	size_t i = 0;

	if (seconds < 1) {
		snprintf(buf, size, "Less than a second");
	} else if (seconds == 1) {
		snprintf(buf, size, "1 second");
	} else if (seconds >= MINUTE && seconds < 2 * MINUTE) {
		snprintf(buf, size, "About a minute");
	} else if (seconds >= 45 * MINUTE && seconds < 90 * MINUTE) {
		snprintf(buf, size, "About an hour");
	} else {
		while (seconds >= table[i].below)
			i++;
		/* docker rounds hours and cuts the rest. */
		if (table[i].unit == HOUR)
			seconds += HOUR / 2;
		snprintf(buf, size, "%llu %s", (unsigned long long)(seconds / table[i].unit),
			table[i].name);
	}
}

void human_time(int64_t t, char *buf, size_t size)
{
	time_t when = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(buf, size, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm))
		snprintf(buf, size, "unknown");
}

int human_time_read(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	unsigned int hours, minutes;
	int64_t offset = 0;
	char sign, end;

	if (!rest)
		return -EINVAL;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") != 0) {
		if (sscanf(rest, "%c%2u:%2u%c", &sign, &hours, &minutes, &end) != 3 ||
			!strchr("+-", sign))
			return -EINVAL;
		offset = (int64_t)(hours * HOUR + minutes * MINUTE) * (sign == '-' ? -1 : 1);
	}
	*ret = (int64_t)timegm(&tm) - offset;
	return 0;
}
