/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times commands side by side: one of each in turn, N rounds, and the median of each.
 *
 * usage: lap [-p N] ROUNDS < COMMANDS
 *
 * A line of COMMANDS is NAME, a tab, and the command, whose words are separated by blanks. The
 * first is what the others are compared with. Rounds are interleaved, so that what disturbs the
 * machine disturbs all, each in another order, so that no command always follows the same one; one
 * more round at the start is not counted. A command that fails is named with its exit code and last
 * words, and is left out. With -p, N copies are started at once and the time is that of all of them;
 * "%" in a word becomes the number of the copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 16
#define MAX_WORDS 64
#define MAX_ROUNDS 1000
#define MAX_COPIES 256

extern char **environ;

struct contestant {
	char *line, *name;
	char *argv[MAX_WORDS + 1];
	double ms[MAX_ROUNDS];
	int status;
};

static struct contestant list[MAX_COMMANDS];

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int parse(struct contestant *c)
{
	char *p;
	int n = 0;

	c->line[strcspn(c->line, "\n")] = '\0';
	p = strchr(c->line, '\t');
	if (!p)
		return -1;
	*p++ = '\0';
	c->name = c->line;
	for (char *w = strtok_r(p, " ", &p); w && n < MAX_WORDS; w = strtok_r(NULL, " ", &p))
		c->argv[n++] = w;
	return n ? 0 : -1;
}

static int copies = 1;

/* The words of copy n, in a buffer that the next call uses again. */
static char **words(const struct contestant *c, int n)
{
	static char text[MAX_WORDS][512];
	static char *argv[MAX_WORDS + 1];
	int i = 0;

	for (; c->argv[i]; i++) {
		const char *at = strchr(c->argv[i], '%');

		if (at)
			snprintf(text[i], sizeof(text[i]), "%.*s%d%s", (int)(at - c->argv[i]),
				c->argv[i], n, at + 1);
		argv[i] = at ? text[i] : c->argv[i];
	}
	argv[i] = NULL;
	return argv;
}

/* Runs it with its output in a file that is read only when it fails: milliseconds. */
static double run(struct contestant *c, int out)
{
	posix_spawn_file_actions_t fa;
	pid_t pids[MAX_COPIES];
	double start;

	if (ftruncate(out, 0) < 0 || lseek(out, 0, SEEK_SET) < 0)
		perror("lap");
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, out, 2);
	start = now_ms();
	for (int i = 0; i < copies; i++) {
		if (posix_spawnp(&pids[i], c->argv[0], &fa, NULL, words(c, i), environ) != 0)
			pids[i] = -1;
	}
	for (int i = 0; i < copies; i++) {
		int status = 127 << 8;

		if (pids[i] > 0 && waitpid(pids[i], &status, 0) < 0)
			status = 125 << 8;
		if (status)
			c->status = status;
	}
	posix_spawn_file_actions_destroy(&fa);
	return now_ms() - start;
}

static void say_failed(struct contestant *c, int out)
{
	char buf[512];
	ssize_t n = pread(out, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	printf("%-28s left out, exit code %d: %s\n", c->name,
		WIFEXITED(c->status) ? WEXITSTATUS(c->status) : 128 + WTERMSIG(c->status), buf);
}

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_table(int n, int rounds)
{
	double base = 0;

	printf("%-28s %9s %9s %9s\n", "", "median ms", "fastest", "ratio");
	for (int i = 0; i < n; i++) {
		struct contestant *c = &list[i];
		double median;

		if (c->status)
			continue;
		qsort(c->ms, (size_t)rounds, sizeof(c->ms[0]), cmp);
		median = c->ms[rounds / 2];
		if (!base)
			base = median;
		printf("%-28s %9.2f %9.2f %9.2f\n", c->name, median, c->ms[0], median / base);
	}
}

/* The next order of the n commands: every one is as likely, and the same in every run. */
static void shuffle(int *order, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int j = rand() % (i + 1), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
}

static int rounds_of(int rounds, int n, int out)
{
	int order[MAX_COMMANDS], failed = 0;

	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int r = -1; r < rounds; r++) {
		shuffle(order, n);
		for (int i = 0; i < n; i++) {
			struct contestant *c = &list[order[i]];
			double ms;

			if (c->status)
				continue;
			ms = run(c, out);
			if (r >= 0)
				c->ms[r] = ms;
			if (c->status) {
				say_failed(c, out);
				failed = 1;
			}
		}
	}
	return failed;
}

static int usage(void)
{
	fprintf(stderr, "usage: lap [-p COPIES (1 to %d)] ROUNDS (1 to %d) < COMMANDS\n",
		MAX_COPIES, MAX_ROUNDS);
	return 2;
}

int main(int argc, char **argv)
{
	char name[] = "/tmp/lap.XXXXXX";
	int n = 0, out, opt, rounds, failed;
	size_t cap;

	while ((opt = getopt(argc, argv, "p:")) >= 0) {
		if (opt != 'p')
			return usage();
		copies = (int)strtol(optarg, NULL, 10);
	}
	rounds = optind == argc - 1 ? (int)strtol(argv[optind], NULL, 10) : 0;
	if (rounds < 1 || rounds > MAX_ROUNDS || copies < 1 || copies > MAX_COPIES)
		return usage();
	out = mkostemp(name, O_CLOEXEC);
	if (out < 0 || unlink(name) < 0) {
		perror(name);
		return 2;
	}
	for (; n < MAX_COMMANDS && (cap = 0, getline(&list[n].line, &cap, stdin)) > 0; n++) {
		if (parse(&list[n]) < 0) {
			fprintf(stderr, "lap: no command in line %d\n", n + 1);
			return 2;
		}
	}
	failed = rounds_of(rounds, n, out);
	print_table(n, rounds);
	return failed;
}
