/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing the progress of layers. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/human.h"

#define INTERVAL_MS 100
#define BAR 30

static void draw(const struct fetch_layer *l)
{
	static const char *const words[] = { [FETCH_WAITING] = "waiting",
		[FETCH_DONE] = "done",
		[FETCH_PRESENT] = "already there" };
	char done[32], size[32], bar[BAR + 1];
	size_t full = l->size ? (size_t)((double)l->done / (double)l->size * BAR) : BAR;

	human_size(l->done, done, sizeof(done));
	human_size(l->size, size, sizeof(size));
	if (full > BAR)
		full = BAR;
	memset(bar, ' ', BAR);
	memset(bar, '=', full);
	bar[BAR] = '\0';
	if (l->state == FETCH_RUNNING)
		fprintf(stderr, "%.12s [%s] %s / %s\033[K\n", l->digest, bar, done, size);
	else
		fprintf(stderr, "%.12s %s %s\033[K\n", l->digest, words[l->state], size);
}

static void show_bars(struct progress *p, const struct fetch_layer *layers, size_t n)
{
	struct winsize w = { 0 };
	size_t rows;

	/* What scrolled away cannot be written over: of many layers, the last ones are shown. */
	rows = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 2 ? w.ws_row - 1U : 20;
	if (p->lines)
		fprintf(stderr, "\033[%zuA", p->lines);
	p->lines = n < rows ? n : rows;
	for (size_t i = n - p->lines; i < n; i++)
		draw(&layers[i]);
}

static void show_lines(struct progress *p, const struct fetch_layer *layers, size_t n)
{
	char size[32];

	for (size_t i = 0; i < n && i < 128; i++) {
		uint64_t bit = 1ULL << (i % 64);

		if (layers[i].state < FETCH_DONE || (p->shown[i / 64] & bit))
			continue;
		p->shown[i / 64] |= bit;
		human_size(layers[i].size, size, sizeof(size));
		fprintf(stderr, "%.12s %s %s\n", layers[i].digest,
			layers[i].state == FETCH_DONE ? "done" : "already there", size);
	}
}

static void show(void *ctx, const struct fetch_layer *layers, size_t n)
{
	struct progress *p = ctx;

	if (p->terminal < 0)
		p->terminal = isatty(STDERR_FILENO);
	if (p->terminal)
		show_bars(p, layers, n);
	else
		show_lines(p, layers, n);
}

static void show_nothing(void *ctx, const struct fetch_layer *layers, size_t n)
{
	(void)ctx;
	(void)layers;
	(void)n;
}

void progress_begin(struct progress *p, bool quiet)
{
	*p = (struct progress){ .terminal = -1 };
	p->watch = (struct fetch_watch){
		.show = quiet ? show_nothing : show,
		.ctx = p,
		.interval_ms = INTERVAL_MS,
	};
}

void progress_next(struct progress *p)
{
	p->lines = 0;
	p->shown[0] = p->shown[1] = 0;
}
