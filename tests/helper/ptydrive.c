/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command under a pseudo terminal and plays a script of keys against it.
 *
 * usage: ptydrive [-t SECONDS] SCRIPT COMMAND [ARG...]
 *
 * SCRIPT is a file, one step a line:
 *   expect TEXT      wait until TEXT was printed after what the last expect found
 *   send TEXT        type TEXT; \r \n \t \\ \e and \xHH are understood
 *   size ROWS COLS   resize the terminal
 *   sleep MS         let time pass (output is still read)
 *   stop             wait until the command is stopped (job control), then continue it
 *   hangup           close the terminal
 * After the last step the command has to end by itself. All output goes to stdout. The exit code is
 * the command's, 128 + N for signal N, 120 when a step failed (stderr names it).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP_FAILED 120
#define SEEN_MAX (1 << 20)

static struct {
	int pty;
	pid_t child;
	char seen[SEEN_MAX + 1];
	size_t len, from; /* bytes seen; where the next expect begins */
	long long deadline;
	int hung_up;
} t;

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Reads what is there within `ms`: 1 when something came, 0 when not, -1 at the end. */
static int take_output(int ms)
{
	struct pollfd p = { .fd = t.pty, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	if (t.hung_up) {
		usleep((useconds_t)ms * 1000);
		return -1;
	}
	if (poll(&p, 1, ms) <= 0)
		return 0;
	n = read(t.pty, buf, sizeof(buf));
	if (n <= 0)
		return -1;
	fwrite(buf, 1, (size_t)n, stdout);
	fflush(stdout);
	if (t.len + (size_t)n > SEEN_MAX) {
		size_t keep = SEEN_MAX / 2;

		memmove(t.seen, t.seen + t.len - keep, keep);
		t.len = keep;
		t.from = t.from > keep ? 0 : t.from;
	}
	memcpy(t.seen + t.len, buf, (size_t)n);
	t.len += (size_t)n;
	t.seen[t.len] = '\0';
	return 1;
}

static int do_expect(const char *text)
{
	for (;;) {
		char *hit = memmem(t.seen + t.from, t.len - t.from, text, strlen(text));

		if (hit) {
			t.from = (size_t)(hit - t.seen) + strlen(text);
			return 0;
		}
		if (now_ms() > t.deadline || take_output(50) < 0)
			return -1;
	}
}

/* Resolves the escapes of `send` in place: the resulting length. */
static size_t unescape(char *s)
{
	char *out = s, *start = s;

	while (*s) {
		char hex[3] = { 0 };

		if (*s != '\\' || !s[1]) {
			*out++ = *s++;
			continue;
		}
		s++;
		switch (*s) {
		case 'r':
			*out++ = '\r';
			break;
		case 'n':
			*out++ = '\n';
			break;
		case 't':
			*out++ = '\t';
			break;
		case 'e':
			*out++ = 033;
			break;
		case 'x':
			if (s[1] && s[2]) {
				memcpy(hex, s + 1, 2);
				*out++ = (char)strtol(hex, NULL, 16);
				s += 2;
			}
			break;
		default:
			*out++ = *s;
		}
		s++;
	}
	return (size_t)(out - start);
}

static int do_size(const char *arg)
{
	struct winsize ws = { 0 };

	if (sscanf(arg, "%hu %hu", &ws.ws_row, &ws.ws_col) != 2)
		return -1;
	return ioctl(t.pty, TIOCSWINSZ, &ws);
}

static int do_sleep(const char *arg)
{
	long long end = now_ms() + strtol(arg, NULL, 10);

	while (now_ms() < end)
		take_output((int)(end - now_ms() > 0 ? end - now_ms() : 0));
	return 0;
}

static int do_stop(void)
{
	int status;

	while (now_ms() < t.deadline) {
		if (waitpid(t.child, &status, WUNTRACED | WNOHANG) == t.child)
			return WIFSTOPPED(status) ? kill(-t.child, SIGCONT) : -1;
		take_output(20);
	}
	return -1;
}

static int do_step(char *line)
{
	char *arg = strchr(line, ' ');

	if (arg)
		*arg++ = '\0';
	else
		arg = line + strlen(line);
	if (!strcmp(line, "expect"))
		return do_expect(arg);
	if (!strcmp(line, "send")) {
		size_t n = unescape(arg);

		return write(t.pty, arg, n) == (ssize_t)n ? 0 : -1;
	}
	if (!strcmp(line, "size"))
		return do_size(arg);
	if (!strcmp(line, "sleep"))
		return do_sleep(arg);
	if (!strcmp(line, "stop"))
		return do_stop();
	if (!strcmp(line, "hangup")) {
		t.hung_up = 1;
		return close(t.pty);
	}
	errno = EINVAL;
	return -1;
}

static int play(FILE *script)
{
	char line[4096], copy[4096];

	while (fgets(line, sizeof(line), script)) {
		line[strcspn(line, "\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		snprintf(copy, sizeof(copy), "%s", line);
		if (do_step(line) < 0) {
			fprintf(stderr, "ptydrive: step failed: %s\n", copy);
			return -1;
		}
	}
	return 0;
}

/* Waits for the end of the command: its exit code, or STEP_FAILED at the deadline. */
static int finish(void)
{
	int status;

	while (now_ms() < t.deadline) {
		int more = take_output(20);

		if (more <= 0 && waitpid(t.child, &status, WNOHANG) == t.child) {
			while (take_output(20) > 0)
				;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
	fprintf(stderr, "ptydrive: the command did not end in time\n");
	return STEP_FAILED;
}

int main(int argc, char **argv)
{
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	long seconds = 30;
	FILE *script;
	int rc;

	if (argc > 2 && !strcmp(argv[1], "-t")) {
		seconds = strtol(argv[2], NULL, 10);
		argv += 2;
		argc -= 2;
	}
	script = argc > 2 ? fopen(argv[1], "re") : NULL;
	if (!script) {
		fprintf(stderr, "usage: ptydrive [-t SECONDS] SCRIPT COMMAND [ARG...]\n");
		return STEP_FAILED;
	}
	t.deadline = now_ms() + seconds * 1000;
	t.child = forkpty(&t.pty, NULL, NULL, &ws);
	if (t.child < 0) {
		perror("ptydrive: forkpty");
		return STEP_FAILED;
	}
	if (!t.child) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	fcntl(t.pty, F_SETFD, FD_CLOEXEC);
	rc = play(script) < 0 ? STEP_FAILED : finish();
	if (rc == STEP_FAILED)
		kill(-t.child, SIGKILL);
	fclose(script);
	return rc;
}
