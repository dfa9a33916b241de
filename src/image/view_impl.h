/* SPDX-License-Identifier: Apache-2.0 */
/* A helper at work on a view. Internal to view and commit. */
#ifndef UCTR_IMAGE_VIEW_IMPL_H
#define UCTR_IMAGE_VIEW_IMPL_H

#include "image/transfer.h"
#include "image/view.h"

struct view_job {
	int copy_fd; /* borrowed: gets the plain archive too; -1 */
	const char *more; /* one argument more, or NULL */
	struct transfer_job job;
	char **args;
	int *fds;
	size_t n_fds;
};
#define VIEW_JOB_INIT                                                                              \
	{                                                                                          \
		.copy_fd = -1, .job = TRANSFER_JOB_INIT                                            \
	}

/* t says verb and descriptors; the rest comes from view and store. End it also after an error. */
int view_job_start(struct image_store *s, const struct image_view *v, struct view_job *j,
	struct transfer *t, struct err *e);
/* After transfer_finish(&j->job), or to break it off. */
void view_job_end(struct view_job *j);

#endif
