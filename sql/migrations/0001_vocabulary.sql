-- Words that points are made of: subsystems, trends and their definitions, monitor elements, datasets, series.
-- Ids are permanent: what is no longer configured is retired, never deleted.

CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE hdqm.reason (
    number smallint PRIMARY KEY,
    code text NOT NULL UNIQUE,
    meaning text NOT NULL
);
COMMENT ON TABLE hdqm.reason IS 'Status of a trend point: ok, or why it has no value. Written by every migration from the list in the program.';
COMMENT ON COLUMN hdqm.reason.number IS 'Permanent number, kept in points.';
COMMENT ON COLUMN hdqm.reason.code IS 'What people see: ok, element_missing, …';
COMMENT ON COLUMN hdqm.reason.meaning IS 'One sentence for users.';

CREATE TABLE hdqm.subsystem (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE hdqm.subsystem IS 'Detector subsystems that have trends.';
COMMENT ON COLUMN hdqm.subsystem.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.subsystem.name IS 'Name as in the configuration: Tracker, HCAL, …';

CREATE TABLE hdqm.trend (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subsystem_id int NOT NULL REFERENCES hdqm.subsystem,
    name text NOT NULL,
    title text NOT NULL,
    y_title text NOT NULL,
    unit text,
    description text,
    owner text,
    low double precision,
    high double precision,
    active boolean NOT NULL DEFAULT true,
    UNIQUE (subsystem_id, name)
);
COMMENT ON TABLE hdqm.trend IS 'Trends: one [plot:name] section of a configuration each.';
COMMENT ON COLUMN hdqm.trend.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.trend.subsystem_id IS 'Subsystem that the trend belongs to.';
COMMENT ON COLUMN hdqm.trend.name IS 'Name, unique in the subsystem.';
COMMENT ON COLUMN hdqm.trend.title IS 'What to write above a plot.';
COMMENT ON COLUMN hdqm.trend.y_title IS 'What to write at the vertical axis.';
COMMENT ON COLUMN hdqm.trend.unit IS 'Unit of the values; NULL where the configuration names none.';
COMMENT ON COLUMN hdqm.trend.description IS 'What the trend shows, in the words of its experts.';
COMMENT ON COLUMN hdqm.trend.owner IS 'Whom to ask.';
COMMENT ON COLUMN hdqm.trend.low IS 'Lower end of the expected range, in units of the value.';
COMMENT ON COLUMN hdqm.trend.high IS 'Upper end of the expected range, in units of the value.';
COMMENT ON COLUMN hdqm.trend.active IS 'False once a whole configuration no longer has the trend; its points stay.';

CREATE TABLE hdqm.element (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path text COLLATE "C" NOT NULL UNIQUE
);
COMMENT ON TABLE hdqm.element IS 'Monitor elements that any definition names.';
COMMENT ON COLUMN hdqm.element.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.element.path IS 'Path as configurations give it: PixelPhase1/Tracks/ntracks.';

CREATE TABLE hdqm.definition (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trend_id int NOT NULL REFERENCES hdqm.trend,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    alternatives jsonb NOT NULL,
    metric text NOT NULL,
    elements int[] NOT NULL,
    main_elements int[] NOT NULL,
    is_current boolean NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    UNIQUE (trend_id, hash)
);
CREATE UNIQUE INDEX definition_one_is_current ON hdqm.definition (trend_id) WHERE is_current;
COMMENT ON TABLE hdqm.definition IS 'Versions of what a trend computes: metric, arguments, monitor elements.';
COMMENT ON COLUMN hdqm.definition.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.definition.trend_id IS 'Trend that is defined.';
COMMENT ON COLUMN hdqm.definition.hash IS 'SHA-256 of the canonical JSON of the alternatives.';
COMMENT ON COLUMN hdqm.definition.alternatives IS 'Ordered alternatives: metric, version, typed arguments, paths by input, threshold.';
COMMENT ON COLUMN hdqm.definition.metric IS 'Metric expressions, for people; alternatives apart by " | ".';
COMMENT ON COLUMN hdqm.definition.elements IS 'Ids of all monitor elements that any alternative names, sorted.';
COMMENT ON COLUMN hdqm.definition.main_elements IS 'Ids of the main ones: where a file has none of them, the point is "element missing".';
COMMENT ON COLUMN hdqm.definition.is_current IS 'The version that new points are computed with; one a trend.';
COMMENT ON COLUMN hdqm.definition.first_seen IS 'When it came into the database.';

CREATE TABLE hdqm.display_group (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subsystem_id int NOT NULL REFERENCES hdqm.subsystem,
    name text NOT NULL,
    title text NOT NULL,
    y_title text NOT NULL,
    correlation boolean NOT NULL,
    position int NOT NULL,
    UNIQUE (subsystem_id, name)
);
COMMENT ON TABLE hdqm.display_group IS 'Trends of one subsystem that are drawn in one plot.';
COMMENT ON COLUMN hdqm.display_group.id IS 'Id.';
COMMENT ON COLUMN hdqm.display_group.subsystem_id IS 'Subsystem that the group belongs to.';
COMMENT ON COLUMN hdqm.display_group.name IS 'Name, unique in the subsystem.';
COMMENT ON COLUMN hdqm.display_group.title IS 'What to write above the plot.';
COMMENT ON COLUMN hdqm.display_group.y_title IS 'What to write at the vertical axis.';
COMMENT ON COLUMN hdqm.display_group.correlation IS 'Two trends against one another instead of against the run.';
COMMENT ON COLUMN hdqm.display_group.position IS 'Order in the configuration, from 1.';

CREATE TABLE hdqm.display_group_member (
    display_group_id int NOT NULL REFERENCES hdqm.display_group ON DELETE CASCADE,
    position int NOT NULL,
    trend_name text NOT NULL,
    colour text,
    PRIMARY KEY (display_group_id, position)
);
COMMENT ON TABLE hdqm.display_group_member IS 'Trends of the display groups; by name, since a group may be configured before its trends.';
COMMENT ON COLUMN hdqm.display_group_member.display_group_id IS 'The group.';
COMMENT ON COLUMN hdqm.display_group_member.position IS 'Order of drawing, from 1.';
COMMENT ON COLUMN hdqm.display_group_member.trend_name IS 'Trend of the same subsystem.';
COMMENT ON COLUMN hdqm.display_group_member.colour IS 'CSS colour; NULL leaves it to the plot.';

CREATE TABLE hdqm.primary_dataset (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE hdqm.primary_dataset IS 'Primary datasets: SingleMuon, ZeroBias, …';
COMMENT ON COLUMN hdqm.primary_dataset.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.primary_dataset.name IS 'First part of a dataset name.';

CREATE TABLE hdqm.processing (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE hdqm.processing IS 'Processing strings, without era and version: PromptReco, 12Nov2019_UL2018, …';
COMMENT ON COLUMN hdqm.processing.id IS 'Permanent id.';
COMMENT ON COLUMN hdqm.processing.name IS 'Processing string, after aliases.';

CREATE TABLE hdqm.series (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trend_id int NOT NULL REFERENCES hdqm.trend,
    primary_dataset_id int NOT NULL REFERENCES hdqm.primary_dataset,
    processing_id int NOT NULL REFERENCES hdqm.processing,
    slice text NOT NULL DEFAULT '',
    kind text NOT NULL DEFAULT 'run',
    has_value boolean NOT NULL DEFAULT false,
    UNIQUE (trend_id, primary_dataset_id, processing_id, slice, kind)
);
CREATE INDEX series_of_dataset ON hdqm.series (primary_dataset_id, processing_id);
COMMENT ON TABLE hdqm.series IS 'A trend in a primary dataset and processing, over all eras. Made with the first point that is more than "element missing".';
COMMENT ON COLUMN hdqm.series.id IS 'Permanent id; the public id of a point is id · 2^20 + run number.';
COMMENT ON COLUMN hdqm.series.trend_id IS 'The trend.';
COMMENT ON COLUMN hdqm.series.primary_dataset_id IS 'The primary dataset.';
COMMENT ON COLUMN hdqm.series.processing_id IS 'The processing string.';
COMMENT ON COLUMN hdqm.series.slice IS 'Part of the histogram that the series is made of; empty where it is the whole.';
COMMENT ON COLUMN hdqm.series.kind IS 'What one point stands for: run.';
COMMENT ON COLUMN hdqm.series.has_value IS 'Some point has a value. Only then are "element missing" rows kept: a dataset never has most elements.';
