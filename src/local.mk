# Layers: core has no I/O and no Xen; xen and wire stand on core; xhsd and xhs stand on those.

noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES = \
	%D%/core/audit.c %D%/core/audit.h \
	%D%/core/config.c %D%/core/config.h \
	%D%/core/error.c %D%/core/error.h \
	%D%/core/feasible.c %D%/core/feasible.h \
	%D%/core/job.c %D%/core/job.h \
	%D%/core/msg.c %D%/core/msg.h \
	%D%/core/pair.c %D%/core/pair.h \
	%D%/core/pair_absorb.c %D%/core/pair_internal.h \
	%D%/core/pair_memory.c \
	%D%/core/pair_jobs.c \
	%D%/core/pair_request.c \
	%D%/core/pair_rules.c %D%/core/pair_rules.h \
	%D%/core/pair_takeover.c \
	%D%/core/pair_words.c \
	%D%/core/paths.c %D%/core/paths.h \
	%D%/core/plan.c %D%/core/plan.h \
	%D%/core/pool.c %D%/core/pool.h \
	%D%/core/rmt.c %D%/core/rmt.h

if DOM0
noinst_LTLIBRARIES += libwire.la libxenadapt.la libxhsd.la
libwire_la_SOURCES = %D%/wire/json.c %D%/wire/json.h %D%/wire/proto.h
libwire_la_CFLAGS = $(AM_CFLAGS) $(YAJL_CFLAGS)
libwire_la_LIBADD = $(YAJL_LIBS)

libxenadapt_la_SOURCES = \
	%D%/xen/cfgfile.c %D%/xen/cfgfile.h \
	%D%/xen/dom.c %D%/xen/dom.h %D%/xen/dom_internal.h \
	%D%/xen/dom_life.c %D%/xen/dom_parse.c \
	%D%/xen/evloop.c %D%/xen/evloop.h \
	%D%/xen/hyp.c %D%/xen/hyp.h \
	%D%/xen/osevent.c %D%/xen/osevent.h \
	%D%/xen/store.c %D%/xen/store.h \
	%D%/xen/thread.c %D%/xen/thread.h \
	%D%/xen/worker.c %D%/xen/worker.h \
	%D%/xen/writer.c %D%/xen/writer.h \
	%D%/xen/xtl.c %D%/xen/xtl.h
libxenadapt_la_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS) $(XENSTORE_CFLAGS) $(EVENT_CFLAGS)
libxenadapt_la_LIBADD = $(XEN_LIBS) $(XENSTORE_LIBS) $(EVENT_LIBS) $(PTHREAD_LIBS)

# The daemon without its main and its adapters: tests link it with the fakes.
libxhsd_la_SOURCES = \
	%D%/xhsd/audits.c %D%/xhsd/audits.h \
	%D%/xhsd/conn.c %D%/xhsd/conn.h \
	%D%/xhsd/control.c %D%/xhsd/control.h \
	%D%/xhsd/create.c %D%/xhsd/create.h \
	%D%/xhsd/events.c %D%/xhsd/events.h \
	%D%/xhsd/guest.c %D%/xhsd/guest.h \
	%D%/xhsd/host.c %D%/xhsd/host.h \
	%D%/xhsd/log.c %D%/xhsd/log.h \
	%D%/xhsd/pair_act.c %D%/xhsd/pair_act.h \
	%D%/xhsd/pair_run.c %D%/xhsd/pair_run.h \
	%D%/xhsd/persist.c %D%/xhsd/persist.h %D%/xhsd/persist_config.c \
	%D%/xhsd/report.c %D%/xhsd/report.h \
	%D%/xhsd/uuid.c %D%/xhsd/uuid.h
libxhsd_la_CFLAGS = $(AM_CFLAGS) $(MD_CFLAGS)
libxhsd_la_LIBADD = libwire.la libcore.la $(MD_LIBS)

sbin_PROGRAMS += xhsd
xhsd_SOURCES = %D%/xhsd/main.c
xhsd_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
xhsd_LDADD = libxhsd.la libxenadapt.la libwire.la libcore.la $(SYSTEMD_LIBS)

bin_PROGRAMS += xhs
xhs_SOURCES = \
	%D%/xhs/ask.c \
	%D%/xhs/cli.h \
	%D%/xhs/client.c \
	%D%/xhs/client.h \
	%D%/xhs/cmd_check.c \
	%D%/xhs/cmd_events.c \
	%D%/xhs/cmd_help.c \
	%D%/xhs/cmd_host.c \
	%D%/xhs/cmd_jobs.c \
	%D%/xhs/cmd_list.c \
	%D%/xhs/cmd_pair.c \
	%D%/xhs/cmd_show.c \
	%D%/xhs/cmd_table.c \
	%D%/xhs/main.c \
	%D%/xhs/out_json.c \
	%D%/xhs/out_json.h \
	%D%/xhs/out_text.c \
	%D%/xhs/out_text.h \
	%D%/xhs/rows.h
xhs_LDADD = libwire.la libcore.la

if SYSTEMD_UNITS
systemdsystemunit_DATA += xhsd.service
endif
CLEANFILES += xhsd.service
xhsd.service: %D%/xhsd/xhsd.service.in Makefile
	$(AM_V_GEN)$(substitute) $(top_srcdir)/src/xhsd/xhsd.service.in > $@
endif
EXTRA_DIST += %D%/xhsd/xhsd.service.in
