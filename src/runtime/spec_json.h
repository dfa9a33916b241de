/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading config.json: internal to the spec_json_*.c files, but for spec_json_load() and
 * spec_json_process(). Functions that parse a part report errors relative to it ("quota: want a
 * whole number"); each level above puts its own key before that with spec_json_at(), so that the
 * person reads "linux.resources.cpu.quota: want a whole number". Unknown keys are ignored, as the
 * specification demands; known ones that uctr does not implement are refused unless empty.
 */
#ifndef UCTR_RUNTIME_SPEC_JSON_H
#define UCTR_RUNTIME_SPEC_JSON_H

#include "base/json.h"
#include "runtime/spec.h"

/*
 * Reads and parses a config.json (at most 16 MiB). 18446744073709551615, with which other engines
 * write "no limit", does not fit jansson's integers and becomes -1. New reference in *ret. parse
 * changes the text for that; `what` names it in errors.
 */
int spec_json_parse(char *text, size_t len, const char *what, json_t **ret, struct err *e);
int spec_json_load(int dirfd, const char *path, json_t **ret, struct err *e);

/* The object `process` of config.json, or the file of `exec --process`; p is zeroed before. */
int spec_json_process(json_t *process, struct spec_process *p, struct err *e);

/* Puts "PREFIX." before the message. Returns r. */
int spec_json_at(struct err *e, int r, const char *fmt, ...) _printf_(3, 4);
/* "KEY: 'VALUE' WHY", with the value made safe to print. Returns -EINVAL. */
int spec_json_bad(struct err *e, const char *key, const char *value, const char *why);
/* "KEY: missing". Returns -EINVAL. */
int spec_json_missing(struct err *e, const char *key);

/* null, false, 0, "", and arrays and objects of nothing else: says nothing that could be lost. */
bool spec_json_empty(const json_t *v);
/* -EOPNOTSUPP with "KEY: not supported WHY" when o has a key that is not empty. */
int spec_json_refuse(json_t *o, const char *key, const char *why, struct err *e);

/* strv of absolute paths, appended to *ret. */
int spec_json_paths(json_t *o, const char *key, char ***ret, struct err *e);
/* path, below bundle unless it is absolute; NULL when memory is out. Owned. */
char *spec_json_below(const char *bundle, const char *path);

/* The parts of config.json. linux is parsed after process, as seccomp looks at capabilities. */
int spec_json_mounts(json_t *config, const char *bundle, struct spec *s, struct err *e);
int spec_json_linux(json_t *linux_obj, int cache_dirfd, struct spec *s, struct err *e);
int spec_json_devices(json_t *linux_obj, struct spec *s, struct err *e);
int spec_json_resources(json_t *linux_obj, struct spec *s, struct err *e);
int spec_json_sysctl(json_t *linux_obj, struct spec *s, struct err *e);

#endif
