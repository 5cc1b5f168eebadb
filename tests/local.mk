# Unit tests (programs made with Check, and scripts that print TAP), the simulated host, and the
# contract that it keeps with the real one. The lab and the scenarios need a Xen host, which
# quickstart boots: they are only distributed here.

EXTRA_DIST += \
	%D%/lab/dom0-etc %D%/lab/dom0-init %D%/lab/dom0-poweroff %D%/lab/demo.sh \
	%D%/lab/guest-etc %D%/lab/guest-init %D%/lab/guest-run \
	%D%/lab/images %D%/lab/lab %D%/lab/lab-guest-agent %D%/lab/lab-guest-exec \
	%D%/lab/lab-clock.c %D%/lab/lab-crash.c %D%/lab/lab-hold.c %D%/lab/lab-job.c \
	%D%/lab/lab-on-word \
	%D%/lab/lab-supervise %D%/scenario %D%/README

SH_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh

guest_script_tests = %D%/unit/test_guest_shell.sh
dist_check_SCRIPTS += $(guest_script_tests)
TESTS += $(guest_script_tests)

if HAVE_CHECK
core_tests = %D%/unit/test_msg %D%/unit/test_paths
guest_tests = \
	%D%/unit/test_guest_area %D%/unit/test_guest_estimate \
	%D%/unit/test_guest_jobfile %D%/unit/test_guest_jobs %D%/unit/test_guest_jobs_random \
	%D%/unit/test_guest_proto %D%/unit/test_guest_reqs %D%/unit/test_guest_settings
check_PROGRAMS += $(core_tests) $(guest_tests)
TESTS += $(core_tests) $(guest_tests)

test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
%C%_unit_test_msg_CFLAGS = $(test_cflags)
%C%_unit_test_msg_LDADD = libguestbase.la $(CHECK_LIBS)
%C%_unit_test_paths_CFLAGS = $(test_cflags)
%C%_unit_test_paths_LDADD = libguestbase.la $(CHECK_LIBS)

%C%_unit_test_guest_area_CPPFLAGS = $(guest_cppflags) $(CHECK_CFLAGS)
%C%_unit_test_guest_area_LDADD = libagent.la $(CHECK_LIBS)
%C%_unit_test_guest_estimate_CPPFLAGS = $(guest_cppflags) $(CHECK_CFLAGS)
%C%_unit_test_guest_estimate_LDADD = libagent.la $(CHECK_LIBS)
%C%_unit_test_guest_jobfile_CPPFLAGS = $(guest_cppflags) $(CHECK_CFLAGS)
%C%_unit_test_guest_jobfile_LDADD = libagent.la $(CHECK_LIBS)
%C%_unit_test_guest_jobs_CPPFLAGS = $(guest_cppflags) $(CHECK_CFLAGS)
%C%_unit_test_guest_jobs_LDADD = libagent.la $(CHECK_LIBS)
%C%_unit_test_guest_jobs_random_CPPFLAGS = $(guest_cppflags) $(CHECK_CFLAGS)
%C%_unit_test_guest_jobs_random_LDADD = libagent.la $(CHECK_LIBS)
%C%_unit_test_guest_proto_CPPFLAGS = $(guest_cppflags) $(CHECK_CFLAGS)
%C%_unit_test_guest_proto_LDADD = libagent.la $(CHECK_LIBS)
%C%_unit_test_guest_reqs_CPPFLAGS = $(guest_cppflags) $(CHECK_CFLAGS)
%C%_unit_test_guest_reqs_LDADD = libguestbase.la $(CHECK_LIBS)
%C%_unit_test_guest_settings_CPPFLAGS = $(guest_cppflags) $(CHECK_CFLAGS)
%C%_unit_test_guest_settings_LDADD = libagent.la $(CHECK_LIBS)

if DOM0
dom0_tests = \
	%D%/unit/test_rmt %D%/unit/test_rmt_random %D%/unit/test_pool %D%/unit/test_plan \
	%D%/unit/test_job %D%/unit/test_feasible %D%/unit/test_audit \
	%D%/unit/test_pair %D%/unit/test_pair_daemon %D%/unit/test_pair_rules \
	%D%/unit/test_pair_scarce %D%/unit/test_pair_random \
	%D%/unit/test_json %D%/unit/test_config
check_PROGRAMS += $(dom0_tests)
TESTS += $(dom0_tests)

sim = %D%/unit/sim.c %D%/unit/sim_guest.c %D%/unit/sim_xen.c %D%/unit/sim.h
story = %D%/unit/story.c %D%/unit/story.h $(sim)
%C%_unit_test_rmt_CFLAGS = $(test_cflags)
%C%_unit_test_rmt_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_rmt_random_CFLAGS = $(test_cflags)
%C%_unit_test_rmt_random_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_pool_CFLAGS = $(test_cflags)
%C%_unit_test_pool_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_plan_CFLAGS = $(test_cflags)
%C%_unit_test_plan_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_job_CFLAGS = $(test_cflags)
%C%_unit_test_job_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_feasible_CFLAGS = $(test_cflags)
%C%_unit_test_feasible_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_audit_CFLAGS = $(test_cflags)
%C%_unit_test_audit_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_pair_SOURCES = %D%/unit/test_pair.c $(story)
%C%_unit_test_pair_CFLAGS = $(test_cflags)
%C%_unit_test_pair_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_pair_daemon_SOURCES = %D%/unit/test_pair_daemon.c $(story)
%C%_unit_test_pair_daemon_CFLAGS = $(test_cflags)
%C%_unit_test_pair_daemon_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_pair_scarce_SOURCES = %D%/unit/test_pair_scarce.c $(story)
%C%_unit_test_pair_scarce_CFLAGS = $(test_cflags)
%C%_unit_test_pair_scarce_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_pair_rules_SOURCES = %D%/unit/test_pair_rules.c $(sim)
%C%_unit_test_pair_rules_CFLAGS = $(test_cflags)
%C%_unit_test_pair_rules_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_pair_random_SOURCES = %D%/unit/test_pair_random.c \
	%D%/unit/chaos.c %D%/unit/chaos.h $(sim)
%C%_unit_test_pair_random_CFLAGS = $(test_cflags)
%C%_unit_test_pair_random_LDADD = libcore.la $(CHECK_LIBS)
%C%_unit_test_json_CFLAGS = $(test_cflags)
%C%_unit_test_json_LDADD = libwire.la libcore.la $(CHECK_LIBS)
%C%_unit_test_config_CFLAGS = $(test_cflags)
%C%_unit_test_config_LDADD = libxenadapt.la libcore.la $(CHECK_LIBS)

# The whole daemon over the simulated host. Of libxenadapt only what reads configuration files: all
# else is found in libfake before. The linker sends some of the daemon's calls to daemon.c.
xhsd_tests = \
	%D%/unit/test_xhsd %D%/unit/test_xhsd_control %D%/unit/test_xhsd_fail \
	%D%/unit/test_xhsd_guest %D%/unit/test_xhsd_restart %D%/unit/test_xhsd_scarce \
	%D%/unit/test_xhsd_many \
	%D%/unit/test_xhsd_request %D%/unit/test_xhsd_request_ends %D%/unit/test_xhsd_request_refused \
	%D%/unit/test_xhsd_request_queue %D%/unit/test_xhsd_request_killed \
	%D%/unit/test_xhsd_request_guest %D%/unit/test_xhsd_request_audit \
	%D%/unit/test_xhsd_request_random %D%/unit/test_xhsd_request_minimum \
	%D%/unit/test_xhsd_request_keeps %D%/unit/test_xhsd_request_kinds
check_PROGRAMS += $(xhsd_tests)
TESTS += $(xhsd_tests)
check_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = \
	%D%/unit/daemon.c %D%/unit/daemon.h %D%/unit/daemon_agent.c %D%/unit/daemon_check.c \
	%D%/unit/daemon_request.c
libdaemon_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%/fake
libdaemon_la_CFLAGS = $(test_cflags)
xhsd_test_ldflags = $(AM_LDFLAGS) -Wl,--wrap=exit -Wl,--wrap=xlog -Wl,--wrap=fake_failing \
	-Wl,--wrap=persist_config -Wl,--wrap=persist_load -Wl,--wrap=persist_forget_config
xhsd_test_ldadd = libdaemon.la libxhsd.la libfake.la libxenadapt.la libwire.la libcore.la \
	$(CHECK_LIBS)
%C%_unit_test_xhsd_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_control_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_control_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_control_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_control_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_fail_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_fail_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_fail_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_fail_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_guest_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_guest_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_guest_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_guest_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_ends_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_ends_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_ends_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_ends_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_refused_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_refused_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_refused_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_refused_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_queue_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_queue_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_queue_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_queue_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_killed_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_killed_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_killed_LDFLAGS = $(xhsd_test_ldflags) -Wl,--wrap=raise
%C%_unit_test_xhsd_request_killed_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_guest_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_guest_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_guest_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_guest_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_audit_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_audit_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_audit_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_audit_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_random_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_random_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_random_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_random_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_minimum_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_minimum_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_minimum_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_minimum_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_keeps_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_keeps_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_keeps_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_keeps_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_request_kinds_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_request_kinds_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_request_kinds_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_request_kinds_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_many_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_many_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_many_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_many_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_scarce_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_scarce_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_scarce_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_scarce_LDADD = $(xhsd_test_ldadd)
%C%_unit_test_xhsd_restart_CPPFLAGS = $(libdaemon_la_CPPFLAGS)
%C%_unit_test_xhsd_restart_CFLAGS = $(test_cflags)
%C%_unit_test_xhsd_restart_LDFLAGS = $(xhsd_test_ldflags)
%C%_unit_test_xhsd_restart_LDADD = $(xhsd_test_ldadd)
endif
endif

if DOM0
# Programs that the scripts run.
check_PROGRAMS += %D%/unit/print_paths %D%/unit/print_rules %D%/unit/fake_xhsd
%C%_unit_print_paths_LDADD = libcore.la
%C%_unit_print_rules_LDADD = libcore.la
%C%_unit_fake_xhsd_LDADD = libwire.la libcore.la
script_tests = \
	%D%/unit/test_layers.sh %D%/unit/test_schema.sh %D%/unit/test_transitions.sh \
	%D%/unit/test_cli.sh %D%/unit/test_cli_events.sh %D%/unit/test_cli_show.sh \
	%D%/unit/test_man.sh
dist_check_SCRIPTS += $(script_tests)
EXTRA_DIST += %D%/unit/cli.sh
TESTS += $(script_tests)

# Run by hand, or by quickstart bench: they measure, and assert nothing.
check_PROGRAMS += %D%/bench/bench_table %D%/bench/probe
%C%_bench_bench_table_LDADD = libcore.la
%C%_bench_probe_LDADD = libxenadapt.la libcore.la
EXTRA_DIST += \
	%D%/bench/RESULTS.md %D%/bench/lib.sh %D%/bench/many %D%/bench/smallest \
	%D%/bench/takeover %D%/bench/takeover-report %D%/bench/trace %D%/bench/trace_preload.c

# src/xen's functions over a simulated host.
check_LTLIBRARIES += libfake.la
libfake_la_SOURCES = \
	%D%/fake/fake.h %D%/fake/fake_internal.h \
	%D%/fake/fake_dom.c %D%/fake/fake_dom_parse.c %D%/fake/fake_evloop.c %D%/fake/fake_fail.c \
	%D%/fake/fake_guest.c %D%/fake/fake_host.c %D%/fake/fake_hyp.c %D%/fake/fake_keys.c \
	%D%/fake/fake_store.c %D%/fake/fake_tree.c %D%/fake/fake_worker.c %D%/fake/fake_writer.c
libfake_la_LIBADD = libcore.la

check_PROGRAMS += %D%/fake/test_fake
TESTS += %D%/fake/test_fake
%C%_fake_test_fake_LDADD = libfake.la libcore.la

contract_sources = \
	%D%/contract/contract.h %D%/contract/contract.c %D%/contract/contract_help.c \
	%D%/contract/contract_dom.c %D%/contract/contract_hyp.c \
	%D%/contract/contract_hyp_guest.c %D%/contract/contract_store.c \
	%D%/contract/contract_writer.c
check_PROGRAMS += %D%/contract/contract_fake.tap
TESTS += %D%/contract/contract_fake.tap
TAP_LOG_DRIVER = $(SH_LOG_DRIVER)
%C%_contract_contract_fake_tap_SOURCES = $(contract_sources) %D%/contract/contract_fake.c
%C%_contract_contract_fake_tap_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%/fake
%C%_contract_contract_fake_tap_LDADD = libfake.la libcore.la

# The same on a real host: quickstart takes it into the lab.
EXTRA_PROGRAMS += xhs-contract
xhs_contract_SOURCES = $(contract_sources) %D%/contract/contract_lab.c
xhs_contract_LDADD = libxenadapt.la libcore.la
endif
