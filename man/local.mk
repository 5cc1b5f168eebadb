# The manual: what a guest needs always, dom0's beside it. Nothing is substituted in the pages.

man_MANS += %D%/xhs-job.1 %D%/xhs-agent.8 %D%/xhs-xenstore.7
if DOM0
man_MANS += %D%/xhs.1 %D%/xhsd.8 %D%/xhs.cfg.5 %D%/xhs-pair.cfg.5
endif
EXTRA_DIST += \
	%D%/xhs.1 %D%/xhsd.8 %D%/xhs-job.1 %D%/xhs-agent.8 %D%/xhs.cfg.5 %D%/xhs-pair.cfg.5 \
	%D%/xhs-xenstore.7
EXTRA_DIST += xenstore-schema/xhs-paths.md
