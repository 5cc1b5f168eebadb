# What a guest needs: libxhsguest, xhs-agent, xhs-job, a shell script. They share core's paths,
# parser and error with dom0's side, and link libxenstore only (shared: a static one cannot watch).

guest_cppflags = $(AM_CPPFLAGS) -D_GNU_SOURCE \
	-I$(top_srcdir)/%D%/lib -I$(top_srcdir)/%D%/agent -DLOCALSTATEDIR=\"$(localstatedir)\"

# The library's objects, also for the agent, which so needs no library of ours at run time.
noinst_LTLIBRARIES += libguestbase.la
libguestbase_la_SOURCES = \
	src/core/error.c src/core/error.h \
	src/core/msg.c src/core/msg.h \
	src/core/paths.c src/core/paths.h \
	%D%/lib/reqs.c %D%/lib/reqs.h \
	%D%/lib/xhsguest.c %D%/lib/xhsguest.h
libguestbase_la_CPPFLAGS = $(guest_cppflags)
libguestbase_la_CFLAGS = $(AM_CFLAGS) $(XENSTORE_CFLAGS)
libguestbase_la_LIBADD = $(XENSTORE_LIBS)

lib_LTLIBRARIES += libxhsguest.la
libxhsguest_la_SOURCES =
libxhsguest_la_LIBADD = libguestbase.la
libxhsguest_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^(xhsg|msg|xhs)_'
xhsguestincludedir = $(includedir)/xhs
xhsguestinclude_HEADERS = %D%/lib/xhsguest.h
xhsguestcoreincludedir = $(includedir)/xhs/core
xhsguestcoreinclude_HEADERS = src/core/error.h src/core/msg.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = xhsguest.pc
CLEANFILES += xhsguest.pc
EXTRA_DIST += %D%/lib/xhsguest.pc.in
xhsguest.pc: %D%/lib/xhsguest.pc.in Makefile
	$(AM_V_GEN)sed -e 's|@prefix[@]|$(prefix)|g' -e 's|@libdir[@]|$(libdir)|g' \
	    -e 's|@includedir[@]|$(includedir)|g' -e 's|@VERSION[@]|$(VERSION)|g' \
	    $(top_srcdir)/%D%/lib/xhsguest.pc.in > $@

# The agent without its main: the unit tests link it too.
noinst_LTLIBRARIES += libagent.la
libagent_la_SOURCES = \
	%D%/agent/act.c %D%/agent/agent.h \
	%D%/agent/area.c %D%/agent/area.h \
	%D%/agent/ask.c %D%/agent/ask.h \
	%D%/agent/cgroup.c %D%/agent/cgroup.h \
	%D%/agent/estimate.c %D%/agent/estimate.h \
	%D%/agent/explain.c \
	%D%/agent/file.c %D%/agent/file.h \
	%D%/agent/jobfile.c %D%/agent/jobfile.h \
	%D%/agent/jobs.c %D%/agent/jobs.h \
	%D%/agent/load.c \
	%D%/agent/log.c %D%/agent/log.h \
	%D%/agent/look.c \
	%D%/agent/measure.c %D%/agent/measure.h \
	%D%/agent/memory.c %D%/agent/memory.h \
	%D%/agent/params.c %D%/agent/params.h \
	%D%/agent/proto.c %D%/agent/proto.h \
	%D%/agent/requests.c \
	%D%/agent/settings.c %D%/agent/settings.h \
	%D%/agent/size.c %D%/agent/size.h \
	%D%/agent/sock.c \
	%D%/agent/ready.c %D%/agent/spawn.c %D%/agent/spawn.h \
	%D%/agent/state.c %D%/agent/state.h
libagent_la_CPPFLAGS = $(guest_cppflags)
libagent_la_LIBADD = libguestbase.la

sbin_PROGRAMS += xhs-agent
xhs_agent_SOURCES = %D%/agent/main.c
xhs_agent_CPPFLAGS = $(guest_cppflags)
xhs_agent_LDADD = libagent.la

bin_PROGRAMS += xhs-job
xhs_job_SOURCES = \
	%D%/job/client.c %D%/job/client.h \
	%D%/job/explain.c %D%/job/explain.h \
	%D%/job/main.c \
	%D%/job/options.c %D%/job/options.h \
	%D%/job/show.c %D%/job/show.h \
	%D%/agent/params.c %D%/agent/params.h \
	%D%/agent/proto.c %D%/agent/proto.h \
	%D%/agent/settings.c %D%/agent/settings.h \
	%D%/agent/size.c %D%/agent/size.h \
	src/core/error.c src/core/msg.c
xhs_job_CPPFLAGS = $(guest_cppflags)

guestshelldir = $(pkgdatadir)
dist_guestshell_SCRIPTS = %D%/shell/xhs-guest.sh
guestexampledir = $(docdir)/examples
dist_guestexample_DATA = %D%/agent/example.job

if SYSTEMD_UNITS
systemdsystemunit_DATA += xhs-agent.service
endif
CLEANFILES += xhs-agent.service
EXTRA_DIST += %D%/agent/xhs-agent.service.in
xhs-agent.service: %D%/agent/xhs-agent.service.in Makefile
	$(AM_V_GEN)$(substitute) $(top_srcdir)/%D%/agent/xhs-agent.service.in > $@
