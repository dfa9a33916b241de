/* SPDX-License-Identifier: Apache-2.0 */
/* The request as docker's inspect shows it: kept by the record, as the command line is gone. */
#include "base/json.h"
#include "engine/record.h"

/* What is empty is left out of the record; inspect fills it in. */
static int add(json_t *o, const char *key, json_t *v)
{
	return v ? json_object_set_new(o, key, v) : -1;
}

static int add_list(json_t *o, const char *key, char *const *list)
{
	return list && list[0] ? add(o, key, json_from_strv(list)) : 0;
}

static int add_number(json_t *o, const char *key, int64_t n)
{
	return n ? add(o, key, json_integer(n)) : 0;
}

static int add_flag(json_t *o, const char *key, bool on)
{
	return on ? add(o, key, json_true()) : 0;
}

static int add_text(json_t *o, const char *key, const char *s)
{
	return s && *s ? add(o, key, json_text(s)) : 0;
}

static int add_command(json_t *o, const struct plan *p)
{
	char **args = p->spec.process.args;
	_cleanup_strv_ char **entrypoint = NULL;

	for (size_t i = 0; i < p->n_entrypoint; i++) {
		if (strv_add(&entrypoint, args[i]) < 0)
			return -1;
	}
	return add_list(o, "Entrypoint", entrypoint) | add_list(o, "Cmd", args + p->n_entrypoint);
}

static int fill_config(json_t *o, const struct plan *p)
{
	const struct spec_process *pr = &p->spec.process;
	int bad = add_command(o, p);

	bad |= add_text(o, "Hostname", p->spec.hostname);
	bad |= add_text(o, "User", p->user_given ? pr->user.name : NULL);
	bad |= add_text(o, "WorkingDir", pr->cwd);
	return bad | add_list(o, "Env", pr->env);
}

static int fill_host_config(json_t *o, const struct container_opts *opts, const struct plan *p)
{
	const struct cgroup_limits *l = &p->spec.limits;
	const struct {
		const char *key;
		char *const *list;
	} lists[] = { { "Binds", opts->volumes }, { "CapAdd", opts->cap_add },
		{ "CapDrop", opts->cap_drop }, { "Dns", opts->dns },
		{ "DnsOptions", opts->dns_option }, { "DnsSearch", opts->dns_search },
		{ "ExtraHosts", opts->add_host }, { "GroupAdd", opts->group_add },
		{ "SecurityOpt", opts->security_opt } };
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		bad |= add_list(o, lists[i].key, lists[i].list);
	bad |= add_number(o, "Memory", l->memory);
	if (l->cpu_quota > 0 && l->cpu_period)
		bad |= add_number(
			o, "NanoCpus", l->cpu_quota * INT64_C(1000000000) / (int64_t)l->cpu_period);
	bad |= add_number(o, "PidsLimit", l->pids);
	bad |= add_flag(o, "Privileged", opts->privileged);
	bad |= add_flag(o, "ReadonlyRootfs", opts->read_only);
	return bad | add_flag(o, "Init", opts->init);
}

int record_set_config(
	struct container *c, const struct container_opts *o, const struct plan *p, struct err *e)
{
	c->config = json_object();
	c->host_config = json_object();
	if (fill_config(c->config, p) || fill_host_config(c->host_config, o, p))
		return err_set(e, -ENOMEM, "record");
	return 0;
}
