-- Tables of a few rows that everything is joined with: PostgreSQL looks at a table again after 50 changes and a tenth of its
-- rows, so it went on believing that there was one primary dataset where there were eleven, and planned accordingly: 40 times
-- as long for the list of files, 15 times for what there is. The ledger is counted again after a fiftieth in place of a tenth.

ALTER TABLE hdqm.subsystem SET (autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE hdqm.primary_dataset SET (autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE hdqm.processing SET (autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE hdqm.definition_set SET (autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE hdqm.quality_rule SET (autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE hdqm.dqm_file SET (autovacuum_analyze_scale_factor = 0.02);
