/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs pack and changes; see uctr/transfer_proto.h. */
#ifndef UCTR_TRANSFER_PACK_VERB_H
#define UCTR_TRANSFER_PACK_VERB_H

#include <jansson.h>

#include "base/err.h"

/* argv[0] is the verb. 0 with the answer filled in, or an error. */
int pack_verb(int argc, char **argv, json_t *answer, struct err *e);

#endif
